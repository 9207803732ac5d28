from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial

import pytest

from exporters.tests.sinks import OK, Reply, Request, Sink, status
from exporters.tests.webhooks import MESSAGE, Webhooks, failure_of


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
        status(200, body=b"x" * 5_000_000),
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFF\r\nabc",
    ],
)
def test_the_status_counts_whatever_the_body_is(reply: bytes, webhook: Webhooks) -> None:
    def cut(_: Request) -> Reply:
        return iter([reply, b""])

    with Sink(cut) as sink:
        sender = webhook(sink.url)
        for _ in range(2):
            started = time.monotonic()
            assert sender.send(MESSAGE).code in (200, 204)
            assert time.monotonic() - started < 10
        assert sink.connections == 2


def endless(piece: bytes, pause_s: float, first: bytes = b"") -> Callable[[Request], Reply]:
    def pieces(_: Request) -> Iterator[bytes]:
        yield first or piece
        while True:
            time.sleep(pause_s)
            yield piece

    return pieces


@pytest.mark.parametrize("pause_s", [0.0, 0.05])
def test_an_endless_body_is_not_waited_for(pause_s: float, webhook: Webhooks) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Sink(endless(b"1\r\nx\r\n" * 100, pause_s, head)) as sink:
        started = time.monotonic()
        assert webhook(sink.url).send(MESSAGE).code == 200
        assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("piece", "pause_s", "words"),
    [
        (b"H", 0.05, "did not answer within 0.5 s"),
        (b"HTTP/1.1 200 OK\r\nX-A: b\r\n", 0.05, "did not answer within 0.5 s"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", 0.05, "did not answer within 0.5 s"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 100, 0.0, "is too long"),
        (b"x" * 10_000, 0.0, "is too long"),
    ],
)
def test_an_endless_head_ends_in_time(
    piece: bytes, pause_s: float, words: str, webhook: Webhooks
) -> None:
    with Sink(endless(piece, pause_s)) as sink:
        started = time.monotonic()
        failure = failure_of(webhook(sink.url, timeout_s=0.5))
        assert time.monotonic() - started < 10
    assert words in str(failure)
    assert failure.unreachable


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (None, "closed the connection without an answer"),
        (b"", "closed the connection without an answer"),
        (b"\r\n\r\n", "not HTTP"),
        (b"SSH-2.0-OpenSSH_9\r\n", "not HTTP"),
        (b"HTTP/1.1 abc\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "not HTTP"),
    ],
)
def test_what_is_no_answer_is_a_clear_failure(
    reply: bytes | None, words: str, webhook: Webhooks
) -> None:
    with Sink(lambda _: None if reply is None else iter([reply, b""])) as sink:
        failure = failure_of(webhook(sink.url))
    assert words in str(failure)
    assert failure.unreachable
    assert failure.code is None


def test_waits_over_100_continue_for_the_answer(webhook: Webhooks) -> None:
    with Sink(lambda _: b"HTTP/1.1 100 Continue\r\n\r\n" + OK) as sink:
        assert webhook(sink.url).send(MESSAGE).code == 204


def test_an_interim_answer_is_no_receipt(webhook: Webhooks) -> None:
    with Sink(lambda _: b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK) as sink:
        sender = webhook(sink.url)
        assert failure_of(sender).code == 103
        failure_of(sender)
        assert sink.connections == 2  # the late answer is not taken for that of the next message


@pytest.mark.parametrize(
    ("code", "unreachable", "gone"),
    [
        *((code, False, False) for code in (304, 400, 401, 404, 413, 422, 429)),
        *((code, True, False) for code in (500, 502, 503, 504, 599)),
        (410, False, True),
    ],
)
def test_judges_the_status(code: int, unreachable: bool, gone: bool, webhook: Webhooks) -> None:
    with Sink(lambda _: status(code)) as sink:
        failure = failure_of(webhook(sink.url))
    assert (failure.code, failure.unreachable, failure.gone) == (code, unreachable, gone)
    assert not failure.permanent
    assert str(code) in str(failure)


def http_date(hours: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("7", 7, 7),
        (" 0 ", 0, 0),
        ("99999999999999", 86_400, 86_400),
        (partial(http_date, 1), 3300, 3600),
        (partial(http_date, -1), 0, 0),
        (partial(http_date, 200), 86_400, 86_400),
        ("Fri, 31 Dec 9999 23:59:59 -0000", 86_400, 86_400),
    ],
    ids=["seconds", "none", "many", "date", "past", "far", "unzoned"],
)
@pytest.mark.parametrize("code", [429, 503])
def test_reads_retry_after(
    code: int, header: str | Callable[[], str], low: float, high: float, webhook: Webhooks
) -> None:
    if callable(header):
        header = header()
    with Sink(lambda _: status(code, f"Retry-After: {header}")) as sink:
        retry_after = failure_of(webhook(sink.url)).retry_after
    assert retry_after is not None
    assert low <= retry_after <= high


@pytest.mark.parametrize(
    ("code", "header"),
    [
        *(
            (503, wrong)
            for wrong in ("", "-5", "1.5", "soon", "\u0661", "Sun, 99 Foo 20 25:00:00", "9" * 30)
        ),
        *((code, "7") for code in (400, 404, 500)),
    ],
)
def test_passes_over_what_is_no_retry_after(code: int, header: str, webhook: Webhooks) -> None:
    with Sink(lambda _: status(code, f"Retry-After: {header}")) as sink:
        assert failure_of(webhook(sink.url)).retry_after is None
