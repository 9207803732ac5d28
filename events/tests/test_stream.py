from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

import pytest
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.db import close_old_connections
from knox.models import AuthToken

from anpr_project.lib.tests.factories import make_user
from events.routing import websocket_urlpatterns
from events.stream import consumers, frames, hub
from events.stream.dispatch import dispatch
from events.stream.doorbell import ring
from events.stream.frames import OFFER
from events.tests.conftest import Sender, make_sender
from events.tests.factories import reading

pytestmark = pytest.mark.django_db(transaction=True)
application = URLRouter(websocket_urlpatterns)
PATH = "/api/v1/events/stream"


@pytest.fixture(autouse=True)
def connections_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what Channels does for tests in one transaction: these here are not in one."""
    monkeypatch.setattr("channels.testing.application.no_op", close_old_connections)


def in_thread(work: Callable[..., Any], *arguments: Any, **fields: Any) -> Any:
    return database_sync_to_async(work, thread_sensitive=False)(*arguments, **fields)


def send_events(sender: Sender, count: int, **fields: Any) -> int | None:
    """Ingest and dispatch; return the new head."""
    for _ in range(count):
        assert sender.post(json.dumps(reading(**fields))).status_code == 201
    return dispatch()


def token_of(user: User) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", f"Token {AuthToken.objects.create(user)[1]}".encode())]


def viewer() -> list[tuple[bytes, bytes]]:
    return token_of(make_user(role="Viewers"))


@asynccontextmanager
async def stream(
    query: str = "",
    headers: list[tuple[bytes, bytes]] | None = None,
    offer: Callable[[bytes], bool] | None = None,
) -> AsyncIterator[WebsocketCommunicator]:
    headers = await in_thread(viewer) if headers is None else headers
    socket = WebsocketCommunicator(application, f"{PATH}{query}", headers)
    socket.scope["extensions"] = {OFFER: offer} if offer else {}
    connected, _ = await socket.connect(timeout=5)
    assert connected
    try:
        yield socket
    finally:
        await socket.disconnect()


async def closed(socket: WebsocketCommunicator, timeout: float = 5) -> int:
    """Return the code that the server closes with, passing over what it sent before."""
    while True:
        message = await socket.receive_output(timeout)
        if message["type"] == "websocket.close":
            return int(message["code"])


async def plates(socket: WebsocketCommunicator, count: int) -> list[str]:
    messages = [await socket.receive_json_from(5) for _ in range(count)]
    assert [message["type"] for message in messages] == ["event"] * count
    found = [message["position"] for message in messages]
    assert found == sorted(set(found))
    return [message["event"]["plate"] for message in messages]


async def test_hello_then_each_new_event() -> None:
    sender = await in_thread(make_sender)
    await in_thread(send_events, sender, 2)
    async with stream() as socket:
        assert await socket.receive_json_from(5) == {"type": "hello", "head": 2}
        head = await in_thread(send_events, sender, 3, plate="NEW 1")
        await ring(head)
        assert await plates(socket, 3) == ["NEW 1"] * 3
        assert await socket.receive_nothing()


async def test_event_comes_without_the_doorbell_too() -> None:
    sender = await in_thread(make_sender)
    async with stream() as socket:
        await socket.receive_json_from(5)
        await in_thread(send_events, sender, 1)
        assert await plates(socket, 1) == ["AB12 CDE"]


async def test_resume_brings_all_that_was_missed_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "PAGE", 4)
    sender = await in_thread(make_sender)
    for number in range(10):
        await in_thread(send_events, sender, 1, plate=f"A{number}")
    async with stream("?since=3") as socket:
        assert (await socket.receive_json_from(5))["head"] == 10
        assert await plates(socket, 7) == [f"A{number}" for number in range(3, 10)]
        await ring(await in_thread(send_events, sender, 1, plate="LIVE"))
        assert await plates(socket, 1) == ["LIVE"]
    async with stream("?since=999") as socket:
        assert (await socket.receive_json_from(5))["head"] == 11
        assert await socket.receive_nothing()


async def test_client_that_knows_more_than_this_server_gets_nothing_twice() -> None:
    sender = await in_thread(make_sender)
    async with stream() as first:
        await first.receive_json_from(5)
        # Nobody rings: another server has looked already, this one has not.
        await in_thread(send_events, sender, 1)
        async with stream("?since=1") as second:
            await second.receive_json_from(5)
            assert await plates(first, 1) == ["AB12 CDE"]
            assert await second.receive_nothing(timeout=1.2)
            await ring(await in_thread(send_events, sender, 1, plate="LIVE"))
            assert await plates(second, 1) == ["LIVE"]


async def test_filters_are_those_of_the_list() -> None:
    one, two = await in_thread(make_sender), await in_thread(make_sender)
    query = f"?camera={one.sensor.camera_id}&plate=A*&since=0"
    await in_thread(send_events, one, 1, plate="A1")
    async with stream(query) as socket:
        await socket.receive_json_from(5)
        await in_thread(send_events, one, 1, plate="B1")
        await in_thread(send_events, two, 1, plate="A2")
        await ring(await in_thread(send_events, one, 1, plate="A3"))
        assert await plates(socket, 2) == ["A1", "A3"]
        assert await socket.receive_nothing()


@pytest.mark.parametrize(
    "query",
    [
        "?since=-1",
        "?since=x",
        "?since=1&since=2",
        f"?since={2**63}",
        "?camera=x",
        "?color=red",
        "?similar=AB1",
    ],
)
async def test_wrong_query_is_refused(query: str) -> None:
    async with stream(query) as socket:
        assert await closed(socket) == 4400


async def test_client_that_does_not_read_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's send blocks, as it does when the client's window is full."""
    monkeypatch.setattr(consumers, "MAX_QUEUED", 5)
    sender = await in_thread(make_sender)
    async with stream() as slow, stream() as quick:
        await slow.receive_json_from(5)
        await quick.receive_json_from(5)
        stuck = asyncio.Event()
        consumer_send = consumers.EventStreamConsumer._send

        async def send(self: consumers.EventStreamConsumer, frame: str) -> None:
            if self.scope["headers"] == slow.scope["headers"]:
                await stuck.wait()
            await consumer_send(self, frame)

        with patch.object(consumers.EventStreamConsumer, "_send", send):
            for _ in range(4):
                await ring(await in_thread(send_events, sender, 3))
                assert len(await plates(quick, 3)) == 3
            assert await closed(slow) == 4008


async def test_send_that_takes_too_long_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stuck(self: consumers.EventStreamConsumer, frame: str) -> None:
        raise TimeoutError

    async with stream() as socket:
        await socket.receive_json_from(5)
        monkeypatch.setattr(consumers.EventStreamConsumer, "_send", stuck)
        await in_thread(send_events, await in_thread(make_sender), 1)
        assert await closed(socket) == 4008


async def test_frames_that_a_server_takes_ready_made_keep_their_place() -> None:
    """What comes while the client is behind is queued, and nothing passes it by."""
    offered: list[bytes] = []
    keeps_up = True

    def offer(frame: bytes) -> bool:
        if keeps_up:
            offered.append(frame)
        return keeps_up

    sender = await in_thread(make_sender)
    async with stream(offer=offer) as socket:
        hello = await socket.receive_json_from(5)
        first = await in_thread(send_events, sender, 1)
        # It is behind until it has caught up, which may be just now: the first goes either way.
        while not offered and await socket.receive_nothing(0.02):
            pass
        if not offered:
            assert (await socket.receive_json_from(5))["position"] == first
        second = await in_thread(send_events, sender, 1)
        while not offered or json.loads(offered[-1][4:])["position"] != second:
            await asyncio.sleep(0.02)
        assert second == hello["head"] + 2
        keeps_up = False
        third = await in_thread(send_events, sender, 1)
        assert (await socket.receive_json_from(5))["position"] == third


async def test_what_a_client_says_is_ignored() -> None:
    async with stream() as socket:
        await socket.receive_json_from(5)
        await socket.send_to(text_data="{" * 1000)
        await socket.send_to(bytes_data=b"\xff")
        assert await socket.receive_nothing()


async def test_hub_outlives_a_failing_database_and_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "POLL_S", 0.05)
    failures = iter([ConnectionError("database"), ConnectionError("database")])

    def flaky(*arguments: Any) -> Any:
        error = next(failures, None)
        if error:
            raise error
        return read_after(*arguments)

    read_after = hub.read_after
    monkeypatch.setattr(hub, "read_after", flaky)
    sender = await in_thread(make_sender)
    with patch("events.stream.hub.get_channel_layer", side_effect=RuntimeError("no layer")):
        async with stream() as socket:
            await socket.receive_json_from(5)
            await in_thread(send_events, sender, 1)
            assert await plates(socket, 1) == ["AB12 CDE"]
    assert next(failures, None) is None


async def test_what_is_read_together_is_written_at_once_in_parts_of_some_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each part is a write for each client; a large one would be kept for each that is slow."""
    monkeypatch.setattr(hub, "POLL_S", 60)
    offered: list[bytes] = []

    def offer(frame: bytes) -> bool:
        offered.append(frame)
        return True

    sender = await in_thread(make_sender)
    async with stream(offer=offer) as socket:
        await socket.receive_json_from(5)
        await ring(await in_thread(send_events, sender, 1))
        first = await socket.receive_json_from(5)
        monkeypatch.setattr(frames, "TOGETHER_BYTES", 2 * len(json.dumps(first)))
        await ring(await in_thread(send_events, sender, 5))
        while sum(data.count(b'"position"') for data in offered) < 5:
            await asyncio.sleep(0.02)
    assert [data.count(b'"position"') for data in offered] == [2, 2, 1]
