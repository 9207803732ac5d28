from __future__ import annotations

import threading
from typing import Any

import pytest

from exporters import destination
from exporters.configuration import InvalidConfiguration, check, read
from exporters.matching import filters_of
from exporters.tests.factories import make_exporter
from exporters.transports.known import TRANSPORTS
from exporters.transports.webhook import WebhookTransport

RIGHT: dict[str, Any] = {
    "kind": "webhook",
    "config": {"url": "https://8.8.8.8/"},
    "auth": {"type": "none"},
    "retry": {},
    "filters": {},
}


def fields(**wrong: Any) -> set[str]:
    with pytest.raises(InvalidConfiguration) as caught:
        check(**RIGHT | wrong)
    return {problem.field for problem in caught.value.problems}


@pytest.mark.django_db
def test_the_worker_reads_what_the_api_checked() -> None:
    exporter = make_exporter({"type": "bearer", "token": "t"}, retry={"timeout_s": 3})
    made = read(exporter)
    assert (made.transport, made.retry.timeout_s) == (TRANSPORTS["webhook"], 3)
    assert (made.config.url, made.auth.token) == (exporter.config["url"], "t")
    assert filters_of(exporter).plates == ()


@pytest.mark.parametrize("kind", [None, 7, [], {}, "fax"])
def test_unknown_kinds_are_no_transport(kind: Any) -> None:
    assert fields(kind=kind) == {"exporter_type"}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ("url: is wrong", "config.url"),
        ("config.url: is wrong", "config.url"),
        ("auth.token: is wrong", "auth.token"),
        ("auth: is wrong", "auth"),
        ("is wrong", "config"),
    ],
)
def test_what_a_transport_says_is_put_at_its_field(
    monkeypatch: pytest.MonkeyPatch, said: str, field: str
) -> None:
    def refuse(config: Any, auth: Any) -> None:
        raise ValueError(said)

    monkeypatch.setattr(WebhookTransport, "check", staticmethod(refuse))
    assert fields() == {field}


@pytest.mark.parametrize(
    ("kind", "parts", "told"),
    [
        ("webhook", {"auth": {"type": "digest"}}, "none, basic, bearer, signature"),
        ("mqtt", {"config": {"host": "8.8.8.8", "protocol": "3.1"}}, "3.1.1, 5"),
        ("mqtt", {"config": {"host": "8.8.8.8", "qos": 3}}, "0, 1, 2"),
    ],
)
def test_a_wrong_choice_is_told_what_there_is(kind: str, parts: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        check(**RIGHT | {"kind": kind} | parts)
    said = next(one.message for one in caught.value.problems if "one of" in one.message)
    assert sorted(said.removeprefix("Expected one of ").rstrip(".").split(", ")) == sorted(
        told.split(", ")
    )


def test_a_number_too_large_for_any_machine_is_refused() -> None:
    assert fields(retry={"base_delay_s": 10**400}) <= {"retry", "retry.base_delay_s"}


def test_endless_nesting_is_refused() -> None:
    deep: Any = {}
    for _ in range(50):
        deep = {"a": deep}
    assert fields(config=deep) == {"config"}


def test_a_slow_name_server_does_not_hold_up_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def slow(*_: Any, **__: Any) -> list[Any]:
        ended.wait(10)
        return []

    monkeypatch.setattr("exporters.destination.socket.getaddrinfo", slow)
    monkeypatch.setattr(destination, "LOOK_UP_S", 0.01)
    destination.refuse_forbidden("webhook", {"url": "https://slow.example/"})
    ended.set()


@pytest.mark.parametrize("url", ["https://[::1/", "https://8.8.8.8:99999/"])
def test_broken_addresses_are_left_to_the_other_checks(url: str) -> None:
    destination.refuse_forbidden("webhook", {"url": url})
    assert not destination.is_same("webhook", {"url": url}, {"url": url})
    assert fields(config={"url": url}) == {"config.url"}


def test_what_has_no_type_is_never_the_same() -> None:
    assert not destination.is_same("webhook", {}, {})
    assert not destination.is_same("fax", {}, {})
