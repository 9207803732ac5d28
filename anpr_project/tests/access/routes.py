"""Every address of the product, as its own code lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.test import Client
from django.urls import get_resolver

HTTP = ("get", "post", "put", "patch", "delete")
# A function says nothing of its methods: it is asked with the two that pages have.
OF_A_FUNCTION = ("get", "post")


def _walk(patterns: Any, prefix: str = "/") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _walk(pattern.url_patterns, route)
        else:
            yield route, pattern.callback


def _methods(view: Any) -> tuple[str, ...]:
    if actions := getattr(view, "actions", None):
        return tuple(actions)
    if view_class := getattr(view, "cls", None):
        return tuple(method for method in HTTP if hasattr(view_class, method))
    return OF_A_FUNCTION


def all_routes() -> dict[str, set[str]]:
    """Return the methods that each route knows; of two views at one, the first answers."""
    found: dict[str, set[str]] = {}
    for route, view in _walk(get_resolver().url_patterns):
        found.setdefault(route, {method.upper() for method in _methods(view)})
    return found


def nameless(route: str) -> str:
    """Return a route whose parameters have no names, to compare it with another list of them."""
    return re.sub(r"<[^>]*>|\{[^}]*\}", "{}", route)


def documented() -> dict[tuple[str, str], bool]:
    """Return each operation of the OpenAPI document, and whether it asks for a credential."""
    schema = Client().get("/schema", headers={"Accept": "application/json"}).json()
    return {
        (nameless(path), method.upper()): bool(operation.get("security"))
        for path, item in schema["paths"].items()
        for method, operation in item.items()
        if method in HTTP
    }
