from __future__ import annotations

import asyncio
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.db import close_old_connections
from django.test import Client
from knox.models import AuthToken
from pytest_django import Settings

from anpr_project.lib.tests.factories import make_user
from events.stream import consumers
from events.stream.admission import admit
from events.tests.conftest import make_sender
from events.tests.test_stream import closed, in_thread, send_events, stream, token_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def connections_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what Channels does for tests in one transaction: these here are not in one."""
    monkeypatch.setattr("channels.testing.application.no_op", close_old_connections)


async def test_only_who_may_read_events_is_admitted() -> None:
    nobody = await in_thread(lambda: token_of(make_user()))
    for headers, code in (
        ([], 4401),
        ([(b"authorization", b"Token nonsense")], 4401),
        ([(b"authorization", b"\xff\xfe")], 4401),
        ([(b"cookie", b"sessionid=nonsense")], 4401),
        (nobody, 4403),
    ):
        async with stream("", headers) as socket:
            assert await closed(socket) == code, headers


def session_cookie(user: User) -> bytes:
    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}".encode()


async def test_session_needs_an_origin_of_ours(settings: Settings) -> None:
    settings.CORS_ORIGINS = ["https://console.example"]
    user = await in_thread(make_user, role="Viewers")
    cookie = await in_thread(session_cookie, user)
    headers = [(b"cookie", cookie), (b"host", b"anpr.example:8000")]
    for origin in (b"http://anpr.example:8000", b"https://console.example"):
        async with stream("", [*headers, (b"origin", origin)]) as socket:
            assert (await socket.receive_json_from(5))["type"] == "hello"
    for others in ([], [(b"origin", b"http://evil.example")], [(b"origin", b"null")]):
        async with stream("", [*headers, *others]) as socket:
            assert await closed(socket) == 4403


async def test_lost_right_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "ADMIT_AGAIN_S", 0.1)
    async with stream() as socket:
        await socket.receive_json_from(5)
        await asyncio.sleep(0.3)
        await in_thread(AuthToken.objects.all().delete)
        assert await closed(socket) == 4401


async def test_who_comes_together_is_not_asked_again_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second time is at any moment of the span: here at its beginning, and then at its end."""
    monkeypatch.setattr("random.random", lambda: 0.999)
    with patch.object(consumers, "admit", autospec=True, side_effect=admit) as asked:
        async with stream() as socket:
            await socket.receive_json_from(5)
            async with asyncio.timeout(5):
                while asked.call_count < 2:
                    await asyncio.sleep(0.02)
            assert await socket.receive_nothing()
        assert asked.call_count == 2


async def test_lost_right_ends_a_stream_that_is_still_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who reads slowly from far back would else get the whole past without a right to it."""
    monkeypatch.setattr(consumers, "ADMIT_AGAIN_S", 0.1)
    await in_thread(send_events, await in_thread(make_sender), 5)
    send, sent = consumers.EventStreamConsumer._send, 0

    async def slowly(self: consumers.EventStreamConsumer, frame: str) -> None:
        nonlocal sent
        sent += 1
        await send(self, frame)
        if sent == 2:  # hello, and the first event
            await in_thread(AuthToken.objects.all().delete)
            await asyncio.sleep(0.1)

    monkeypatch.setattr(consumers.EventStreamConsumer, "_send", slowly)
    async with stream("?since=0") as behind:
        assert await closed(behind) == 4401
    assert sent == 2
