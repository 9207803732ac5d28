"""Reading the environment: typed, and a wrong value is named."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from anpr_project.lib.env import Environment


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    return Environment(tmp_path)


def test_text_is_stripped_and_taken_literally(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAME", "  $OTHER#x ")

    assert env.text("NAME") == "$OTHER#x"
    assert env.text("UNSET_NAME", "default") == "default"


def test_required_says_what_it_is_for(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", " ")

    with pytest.raises(ImproperlyConfigured, match="NAME must be set: it opens the door"):
        env.required("NAME", "it opens the door")

    monkeypatch.setenv("NAME", "x")
    assert env.required("NAME", "it opens the door") == "x"


@pytest.mark.parametrize(
    ("raw", "value"), [("1", True), ("Yes", True), ("on", True), ("OFF", False), ("0", False)]
)
def test_flags(env: Environment, monkeypatch: pytest.MonkeyPatch, raw: str, value: bool) -> None:
    monkeypatch.setenv("NAME", raw)

    assert env.flag("NAME", not value) is value


Read = Callable[[Environment], Any]
WRONG: list[tuple[str, Read, str]] = [
    ("maybe", lambda env: env.flag("NAME", True), "true or false"),
    ("x", lambda env: env.integer("NAME", 1, 1, 5), "a whole number from 1 to 5"),
    ("6", lambda env: env.integer("NAME", 1, 1, 5), "a whole number from 1 to 5"),
    ("1.5", lambda env: env.integer("NAME", 1, 1, 5), "a whole number from 1 to 5"),
    ("1_0", lambda env: env.integer("NAME", 1, 1, 50), "a whole number from 1 to 50"),
    ("٤", lambda env: env.integer("NAME", 1, 1, 5), "a whole number from 1 to 5"),
    ("postgres://db", lambda env: env.host("NAME"), "a host name or an address"),
    ("db one", lambda env: env.host("NAME"), "a host name or an address"),
    ("me@db", lambda env: env.host("NAME"), "a host name or an address"),
    ("https://anpr.example", lambda env: env.host_names("NAME", []), "without scheme and port"),
    ("anpr.example:8000", lambda env: env.host_names("NAME", []), "without scheme and port"),
    ("anpr.example other", lambda env: env.host_names("NAME", []), "without scheme and port"),
    ("objects.example", lambda env: env.site("NAME"), "https://objects.example.org"),
    ("c", lambda env: env.choice("NAME", "a", {"a", "b"}), "one of a, b"),
    ("10.0.0.1/8", lambda env: env.networks("NAME"), "CIDRs without host bits"),
    ("10.0.0.0/8,x", lambda env: env.networks("NAME"), "CIDRs"),
    ("map.example", lambda env: env.origins("NAME"), "https://example.org"),
    ("https://map.example/", lambda env: env.origins("NAME"), "https://example.org"),
    ("https://map.example/path", lambda env: env.origins("NAME"), "https://example.org"),
    ("ftp://map.example", lambda env: env.origins("NAME"), "https://example.org"),
    ("https://", lambda env: env.origins("NAME"), "https://example.org"),
    ("*", lambda env: env.origins("NAME"), "https://example.org"),
    ("https://[::1", lambda env: env.origins("NAME"), "https://example.org"),
    ("https://tiles.example/{z}/{x}", lambda env: env.tiles("NAME"), "{z}, {x} and {y}"),
    ("https://{s}.example/{z}/{x}/{y}", lambda env: env.tiles("NAME"), "{z}, {x} and {y}"),
    ("//tiles.example/{z}/{x}/{y}", lambda env: env.tiles("NAME"), "{z}, {x} and {y}"),
    ("https://a.example;/{z}/{x}/{y}", lambda env: env.tiles("NAME"), "{z}, {x} and {y}"),
]


@pytest.mark.parametrize(("raw", "read", "expected"), WRONG)
def test_a_wrong_value_is_named_with_what_was_expected(
    env: Environment, monkeypatch: pytest.MonkeyPatch, raw: str, read: Read, expected: str
) -> None:
    monkeypatch.setenv("NAME", raw)

    with pytest.raises(ImproperlyConfigured) as caught:
        read(env)

    assert str(caught.value).startswith(f"NAME={raw!r} is wrong: expected ")
    assert expected in str(caught.value)


RIGHT: list[tuple[str, Read, Any]] = [
    (" 4 ", lambda env: env.integer("NAME", 1, 1, 5), 4),
    ("", lambda env: env.integer("NAME", 1, 1, 5), 1),
    ("db", lambda env: env.host("NAME"), "db"),
    ("::1", lambda env: env.host("NAME"), "::1"),
    ("/run/postgresql", lambda env: env.host("NAME"), "/run/postgresql"),
    (
        ".a.example, [::1], 10.0.0.1, *",
        lambda env: env.host_names("NAME", []),
        [".a.example", "[::1]", "10.0.0.1", "*"],
    ),
    ("", lambda env: env.host_names("NAME", ["a"]), ["a"]),
    ("http://a:9000/s3", lambda env: env.site("NAME"), "http://a:9000/s3"),
    ("INFO", lambda env: env.choice("NAME", "a", {"info"}), "info"),
    (" a, ,b ", lambda env: env.items("NAME"), ["a", "b"]),
    ("", lambda env: env.items("NAME", ["a"]), ["a"]),
    ("", lambda env: env.items("NAME"), []),
    ("", lambda env: env.networks("NAME"), []),
    ("10.0.0.0/8, ::1", lambda env: env.networks("NAME"), ["10.0.0.0/8", "::1/128"]),
    (
        "https://a.example, http://b:8080",
        lambda env: env.origins("NAME"),
        ["https://a.example", "http://b:8080"],
    ),
    ("/tiles/{z}/{x}/{y}", lambda env: env.tiles("NAME"), "/tiles/{z}/{x}/{y}"),
    ("http://a.b:81/{z}/{x}/{y}", lambda env: env.tiles("NAME"), "http://a.b:81/{z}/{x}/{y}"),
    ("", lambda env: env.tiles("NAME"), ""),
]


@pytest.mark.parametrize(("raw", "read", "value"), RIGHT)
def test_right_values(
    env: Environment, monkeypatch: pytest.MonkeyPatch, raw: str, read: Read, value: Any
) -> None:
    monkeypatch.setenv("NAME", raw)

    assert read(env) == value


def test_parsed_values_come_from_any_parser(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAME", "::1")

    found = env.parsed("NAME", None, ipaddress.ip_address, "an address")

    assert str(found) == "::1"


def test_a_dotenv_file_stands_below_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Set and deleted again, so that what the file brings is taken back after the test.
    monkeypatch.setenv("ANPR_TEST_FROM_FILE", "x")
    monkeypatch.delenv("ANPR_TEST_FROM_FILE")
    monkeypatch.setenv("ANPR_TEST_BOTH", "environment")
    (tmp_path / ".env").write_text("ANPR_TEST_FROM_FILE=file\nANPR_TEST_BOTH=file\n")

    env = Environment(tmp_path)

    assert env.text("ANPR_TEST_FROM_FILE") == "file"
    assert env.text("ANPR_TEST_BOTH") == "environment"
