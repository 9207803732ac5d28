"""Reads settings from the environment; a wrong value stops the start and is named."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


class Environment:
    """Typed access to environment variables, with `.env` of `directory` below them."""

    def __init__(self, directory: Path) -> None:
        self._env = environ.Env()
        if (directory / ".env").is_file():
            self._env.read_env(directory / ".env")

    def text(self, name: str, default: str = "") -> str:
        # django-environ would expand a leading "$"; a password may well start with one.
        return str(self._env.ENVIRON.get(name, default)).strip()

    def required(self, name: str, because: str) -> str:
        value = self.text(name)
        if not value:
            raise ImproperlyConfigured(f"{name} must be set: {because}")
        return value

    def parsed(self, name: str, default: T, parse: Callable[[str], T], expected: str) -> T:
        raw = self.text(name)
        if not raw:
            return default
        try:
            return parse(raw)
        except (ValueError, KeyError):
            raise ImproperlyConfigured(f"{name}={raw!r} is wrong: expected {expected}") from None

    def flag(self, name: str, default: bool) -> bool:
        def parse(raw: str) -> bool:
            if raw.lower() not in TRUE | FALSE:
                raise ValueError(raw)
            return raw.lower() in TRUE

        return self.parsed(name, default, parse, "true or false")

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        def parse(raw: str) -> int:
            value = int(raw)
            if not low <= value <= high:
                raise ValueError(raw)
            return value

        return self.parsed(name, default, parse, f"a whole number from {low} to {high}")

    def choice(self, name: str, default: str, choices: set[str]) -> str:
        by_lower = {choice.lower(): choice for choice in choices}
        return self.parsed(
            name, default, lambda raw: by_lower[raw.lower()], f"one of {', '.join(sorted(choices))}"
        )

    def items(self, name: str, default: list[str] | None = None) -> list[str]:
        parts = [part.strip() for part in self.text(name).split(",")]
        return [part for part in parts if part] or list(default or [])

    def each(self, name: str, parse: Callable[[str], str], expected: str) -> list[str]:
        return self.parsed(name, [], lambda _: [parse(item) for item in self.items(name)], expected)

    def origins(self, name: str) -> list[str]:
        return self.each(name, _origin, "addresses like https://example.org, comma-separated")

    def origin(self, name: str, default: str) -> str:
        return self.parsed(name, default, _origin, "an address like https://example.org, no path")

    def tiles(self, name: str) -> str:
        expected = (
            "an address with {z}, {x} and {y}, like https://tiles.example.org/{z}/{x}/{y}.png"
        )
        return self.parsed(name, "", _tiles, expected)

    def networks(self, name: str) -> list[str]:
        return self.each(name, lambda item: str(ipaddress.ip_network(item)), "CIDRs")


def _origin(text: str) -> str:
    """Refuse what a browser's Origin header can never equal: a path, a final slash, no scheme."""
    parts = urlsplit(text)
    is_site = parts.scheme in ("http", "https") and parts.hostname
    if not is_site or text != f"{parts.scheme}://{parts.netloc}":
        raise ValueError(text)
    return text


def _tiles(text: str) -> str:
    """Of one host, which the content policy can name, or a path of our own."""
    parts = urlsplit(text)
    is_own = text.startswith("/") and not text.startswith("//")
    is_site = parts.scheme in ("http", "https") and parts.hostname and "{" not in parts.netloc
    is_plain = not any(sign in text for sign in " ;,'\"<>")
    if not (is_own or is_site) or not is_plain or not all(f"{{{name}}}" in text for name in "zxy"):
        raise ValueError(text)
    return text
