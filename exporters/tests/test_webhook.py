from __future__ import annotations

import gzip
import json
import queue
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from standardwebhooks import Webhook, WebhookVerificationError

from exporters import pinned_http
from exporters.tests.sinks import OK, Reply, Request, Sink, status
from exporters.tests.webhooks import MESSAGE, PREVIOUS, SECRET, Webhooks, failure_of
from exporters.transports.base import Outcome, Receipt
from exporters.transports.webhook import (
    BasicAuth,
    BearerAuth,
    NoAuth,
    SignatureAuth,
)

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"


def test_posts_the_message_with_the_headers_of_standard_webhooks(webhook: Webhooks) -> None:
    with Sink() as sink:
        sender = webhook(sink.url + "?site=7", headers={"X-Site": "north gate"})
        assert sender.send(MESSAGE) == Receipt(204)
    (request,) = sink.requests
    assert request.line == "POST /hook?site=7 HTTP/1.1"
    assert request.body == MESSAGE.body
    stamp = request.headers.pop("webhook-timestamp")
    assert abs(int(stamp) - time.time()) < 5
    assert request.headers.pop("user-agent").startswith("ANPR-Cloud/")
    assert request.headers == {
        "host": f"127.0.0.1:{sink.port}",
        "content-type": "application/json",
        "content-length": str(len(MESSAGE.body)),
        "accept-encoding": "identity",
        "webhook-id": "msg_2c7",
        "x-site": "north gate",
    }


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        (BasicAuth("user", "pässwort:x"), "Basic dXNlcjpww6Rzc3dvcnQ6eA=="),
        (BearerAuth("tok-en_1"), "Bearer tok-en_1"),
        (NoAuth(), None),
    ],
)
def test_shows_its_credentials(auth: Any, header: str | None, webhook: Webhooks) -> None:
    with Sink() as sink:
        webhook(sink.url, auth).send(MESSAGE)
    assert sink.requests[0].headers.get("authorization") == header


def test_signs_so_that_the_standard_library_verifies(webhook: Webhooks) -> None:
    with Sink() as sink:
        webhook(sink.url, SignatureAuth(SECRET)).send(MESSAGE)
    (request,) = sink.requests
    assert Webhook(SECRET).verify(request.body, request.headers) == json.loads(MESSAGE.body)
    with pytest.raises(WebhookVerificationError):
        Webhook(PREVIOUS).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body + b" ", request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body, request.headers | {"webhook-id": "msg_2c8"})


def test_no_change_of_what_is_signed_passes_the_standard_library(webhook: Webhooks) -> None:
    """Each byte of the body and each character of what is signed with it; and none comes late."""
    with Sink() as sink:
        webhook(sink.url, SignatureAuth(SECRET)).send(MESSAGE)
    (request,) = sink.requests
    verifier, passed = Webhook(SECRET), []
    for at in range(len(request.body)):
        body = bytearray(request.body)
        body[at] ^= 1
        passed += [("body", at)] * is_taken(verifier, bytes(body), request.headers)
    # Of the signature's last letter, four bits count: these differ from all others in them.
    others = {
        "webhook-id": ("2", "3"),
        "webhook-timestamp": ("2", "3"),
        "webhook-signature": ("A", "Q"),
    }
    for name, (one, another) in others.items():
        for at, letter in enumerate(request.headers[name]):
            other = one if letter not in (one, *"BCD") else another
            value = request.headers[name][:at] + other + request.headers[name][at + 1 :]
            headers = request.headers | {name: value}
            passed += [(name, at)] * is_taken(verifier, request.body, headers)
    assert passed == []
    assert is_taken(verifier, request.body, request.headers)
    for minutes, expected in ((4.9, True), (5.1, False), (-5.1, False)):
        with time_machine.travel(time.time() + 60 * minutes, tick=False):
            assert is_taken(verifier, request.body, request.headers) is expected


def is_taken(verifier: Webhook, body: bytes, headers: dict[str, str]) -> bool:
    try:
        verifier.verify(body, headers)
    except (WebhookVerificationError, ValueError):
        return False
    return True


def test_signs_twice_while_the_secret_changes(webhook: Webhooks) -> None:
    with Sink() as sink:
        webhook(sink.url, SignatureAuth(SECRET, PREVIOUS)).send(MESSAGE)
    (request,) = sink.requests
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, PREVIOUS):
        Webhook(secret).verify(request.body, request.headers)


def test_a_connection_is_used_again(webhook: Webhooks) -> None:
    packed = gzip.compress(b"0" * 1_000_000)
    replies = iter(
        [
            *(OK, status(200, body=b"x" * 5000), CHUNKED, status(503)),
            status(200, "Content-Encoding: gzip", body=packed),
            status(200, "Content-Encoding: gzip", body=b"not gzip"),
        ]
    )
    with Sink(lambda _: next(replies)) as sink:
        sender = webhook(sink.url)
        for _ in range(3):
            sender.send(MESSAGE)
        failure_of(sender)
        for _ in range(2):
            sender.send(MESSAGE)
        assert (sink.connections, len(sink.requests)) == (1, 6)


def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_one(webhook: Webhooks) -> None:
    def twice(_: Request) -> Iterator[bytes]:
        yield OK
        time.sleep(0.05)
        yield status(500)

    with Sink(twice) as sink:
        sender = webhook(sink.url)
        for _ in range(3):
            assert sender.send(MESSAGE).code == 204
            time.sleep(0.15)
        assert sink.connections == 3


def test_a_sink_that_closes_without_a_word_costs_one_attempt_only(webhook: Webhooks) -> None:
    """Its close is not seen yet when the next message follows at once."""
    replies: Iterator[Reply] = iter([OK, iter([b""]), *[OK] * 4])
    with Sink(lambda _: next(replies)) as sink:
        sender = webhook(sink.url)
        sender.send(MESSAGE)
        assert "closed the connection" in str(failure_of(sender))
        for _ in range(4):
            sender.send(MESSAGE)
        assert sink.connections == 5


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_sink_that_accepts_and_is_silent_costs_the_time_limit(
    scheme: str, webhook: Webhooks
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        started = time.monotonic()
        failure = failure_of(webhook(f"{scheme}://127.0.0.1:{port}/", timeout_s=0.5))
        assert 0.4 < time.monotonic() - started < 10
    assert str(failure) == "The sink did not answer within 0.5 s."


def test_a_connection_idle_for_long_is_not_trusted(
    webhook: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pinned_http, "IDLE_S", 0.05)
    with Sink() as sink:
        sender = webhook(sink.url)
        sender.send(MESSAGE)
        time.sleep(0.1)
        sender.send(MESSAGE)
        assert sink.connections == 2


def test_sixteen_messages_are_under_way_at_once(webhook: Webhooks) -> None:
    together = threading.Barrier(16)

    def when_all_are_here(_: Request) -> Reply:
        together.wait(10)
        return OK

    outcomes: queue.Queue[Outcome] = queue.Queue()
    with Sink(when_all_are_here) as sink:
        sender = webhook(sink.url)
        for _ in range(32):
            sender.start(MESSAGE, outcomes.put)
        assert [outcomes.get(timeout=10) for _ in range(32)] == [Receipt(204)] * 32
        assert sink.connections == 16


def test_closing_gives_up_what_is_under_way_at_once(webhook: Webhooks) -> None:
    arrived, outcomes = threading.Semaphore(0), queue.Queue[Outcome]()

    def never(_: Request) -> Iterator[bytes]:
        arrived.release()
        time.sleep(3)
        yield b""

    with Sink(never) as sink:
        sender = webhook(sink.url, timeout_s=30)
        for _ in range(20):  # four wait for their turn
            sender.start(MESSAGE, outcomes.put)
        for _ in range(16):
            assert arrived.acquire(timeout=10)
        started = time.monotonic()
        sender.close()
        for _ in range(20):
            assert "worker ended" in str(outcomes.get(timeout=10))
        assert time.monotonic() - started < 10


def test_secrets_show_up_nowhere(webhook: Webhooks, caplog: pytest.LogCaptureFixture) -> None:
    secret = "geheim"
    auths = [BasicAuth("user", secret), BearerAuth(secret), SignatureAuth(SECRET, PREVIOUS)]
    # The sink says everything back, in every place it can.
    echo = f"HTTP/1.1 500 {secret}\r\nX-Echo: {secret}\r\n bad{secret}\r\n\r\n{secret} {SECRET}"
    with Sink(lambda _: iter([echo.encode(), b""])) as sink:
        for auth in auths:
            url = f"{sink.url}/{secret}?key={secret}"
            sender = webhook(url, auth, headers={"X-Api-Key": secret})
            shown = f"{failure_of(sender)!r} {sender.config!r} {auth!r} {sender!r} {caplog.text}"
            assert secret not in shown
            assert "whsec" not in shown
