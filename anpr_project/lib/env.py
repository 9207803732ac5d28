"""Reads settings from the environment; a wrong value stops the start and is named."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}
NETWORKS = "CIDRs without host bits, like 10.0.0.0/8, comma-separated"
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,12}")
# A host name, an address (IPv6 without brackets), several with commas, or the folder of a socket.
HOST = re.compile(r"[\w.:%,/-]+")
# As Django compares them: a leading dot admits all below it, a lone star everything.
HOST_NAME = re.compile(r"\*|\.?[\w-]+(\.[\w-]+)*\.?|\[[0-9A-Fa-f:.]+\]")


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
            # int() would take 1_0, and the digits of other scripts.
            if not WHOLE_NUMBER.fullmatch(raw):
                raise ValueError(raw)
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

    def host(self, name: str) -> str:
        return self.parsed(name, "", _host, "a host name or an address, and nothing else")

    def host_names(self, name: str, default: list[str]) -> list[str]:
        expected = "host names without scheme and port, comma-separated"
        return self.each(name, _host_name, expected) or default

    def site(self, name: str) -> str:
        return self.parsed(name, "", _site, "an address like https://objects.example.org")

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
        return self.each(name, lambda item: str(ipaddress.ip_network(item)), NETWORKS)


def _host(text: str) -> str:
    """Refuse what is an address of a service, such as redis://cache."""
    if not HOST.fullmatch(text) or "://" in text:
        raise ValueError(text)
    return text


def _host_name(text: str) -> str:
    """Refuse what no Host header can equal."""
    if not HOST_NAME.fullmatch(text):
        raise ValueError(text)
    return text


def _site(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(text)
    return text


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
