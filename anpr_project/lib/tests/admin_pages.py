"""A browser's view of the admin, for tests: forms are sent back as they were shown."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from anpr_project.lib.tests.factories import make_user


class _Inputs(HTMLParser):
    """Collects what a browser would send of the page's fields."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._open, self._is_text = "", False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "input" and given.get("type") == "checkbox" and "checked" not in given:
            return
        if tag == "input" and name and given.get("type") != "submit":
            self.values[name] = given.get("value") or ("on" if "checked" in given else "")
        if tag in ("textarea", "select") and name:
            self._open, self._is_text = name, tag == "textarea"
            if "multiple" not in given:
                self.values.setdefault(name, "")
        if tag == "option" and "selected" in given and self._open:
            self.values[self._open] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("textarea", "select"):
            self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open and self._is_text:
            self.values[self._open] += data.removeprefix("\r\n").removeprefix("\n")


def staff(client: Client, *permissions: str, superuser: bool = False) -> User:
    """Log a member of staff in, with these permissions such as `cameras.view_camera`."""
    user = make_user(is_staff=True, is_superuser=superuser)
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    client.force_login(user)
    return user


def page(row: Any, name: str = "change") -> str:
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{name}", args=[row.pk])


def list_page(model: Any, name: str = "changelist") -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}")


def shown_form(client: Client, path: str) -> dict[str, str]:
    response = client.get(path)
    assert response.status_code == 200, response.content[:500]
    inputs = _Inputs()
    inputs.feed(response.content.decode())
    return {name: value for name, value in inputs.values.items() if not name.startswith("csrf")}
