"""What a stream's client is told when the database is away: come again, and not a broken line."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from events.metrics import STREAM_CLIENTS
from events.models import StreamHead
from events.stream import consumers
from events.tests.conftest import make_sender
from events.tests.test_stream import closed, in_thread, send_events, stream

pytestmark = pytest.mark.django_db(transaction=True)


def away(*_: object) -> None:
    raise OperationalError("terminating connection due to administrator command")


@pytest.mark.parametrize("at", ["admit", "read_after"])
async def test_client_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    await in_thread(send_events, await in_thread(make_sender), 1)
    monkeypatch.setattr(consumers, at, away)
    async with stream("?since=0") as socket:
        assert await closed(socket) == 1013


async def test_one_that_could_not_begin_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    before = STREAM_CLIENTS._value.get()
    monkeypatch.setattr(StreamHead, "current", away)
    async with stream("?since=0") as socket:
        assert await closed(socket) == 1013
    assert STREAM_CLIENTS._value.get() == before
