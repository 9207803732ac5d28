"""The other ends of MQTT: a subscriber, and a broker that answers by script, for rare answers."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, NamedTuple, Self

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from anpr_project.lib.tests.ports import HOST
from exporters.network import Network
from exporters.tests.brokers import PASSWORD, USER, Broker
from exporters.tests.outcomes import wait_until
from exporters.transports.mqtt import MqttTransport
from exporters.transports.mqtt_config import BasicAuth, Config, NoAuth

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, PINGREQ, DISCONNECT = (
    kind << 4 for kind in (1, 2, 3, 4, 5, 6, 7, 12, 14)
)


LOOPBACK = Network(["127.0.0.0/8", "::1/128"])
MakeTransport = Callable[..., MqttTransport]


@pytest.fixture
def make_transport() -> Iterator[MakeTransport]:
    """Opens transports to a broker, with the given configuration, and closes them."""
    transports: list[MqttTransport] = []

    def make(
        broker: Broker | ScriptedBroker,
        *,
        timeout_s: float = 15,
        auth: NoAuth | BasicAuth | None = None,
        network: Network = LOOPBACK,
        **config: Any,
    ) -> MqttTransport:
        known: dict[str, Any] = {"host": HOST, "port": broker.port}
        settings = Config(**known | config)
        auth = auth or NoAuth()
        MqttTransport.check(settings, auth)
        transport = MqttTransport(config=settings, auth=auth, timeout_s=timeout_s, network=network)
        transports.append(transport)
        return transport

    yield make
    for transport in transports:
        transport.close()


class Heard(NamedTuple):
    topic: str
    body: bytes
    retain: bool
    properties: Any


class Listener:
    """Everything that subscribers of all topics get."""

    def __init__(self, broker: Broker, protocol: str, *, topic: str = "#") -> None:
        self.heard: list[Heard] = []
        self._ready = threading.Event()
        version = MQTTProtocolVersion.MQTTv5 if protocol == "5" else MQTTProtocolVersion.MQTTv311
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=version)
        self._client.username_pw_set(USER, PASSWORD)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *rest: client.subscribe(topic, 2)
        self._client.on_subscribe = lambda *rest: self._ready.set()
        self._client.on_message = lambda client, userdata, message: self.heard.append(
            Heard(message.topic, bytes(message.payload), message.retain, message.properties)
        )
        self._client.connect(broker.host, broker.port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        assert self._ready.wait(20)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def bodies(self, count: int) -> list[bytes]:
        """Wait for so many different bodies, and return all in the order they came."""
        wait_until(lambda: len({each.body for each in list(self.heard)}) >= count)
        return [each.body for each in self.heard]


class Packet(NamedTuple):
    kind: int
    body: bytes
    mid: bytes
    payload: bytes


Script = Callable[[Packet], bytes | None]


def packet(kind: int, body: bytes = b"") -> bytes:
    return bytes([kind, len(body)]) + body


def connack_3(code: int = 0) -> bytes:
    return packet(CONNACK, bytes([0, code]))


def connack_5(code: int = 0, properties: bytes = b"") -> bytes:
    return packet(CONNACK, bytes([0, code, len(properties)]) + properties)


class ScriptedBroker:
    """Answers each packet with what the script returns; None cuts the connection."""

    def __init__(self, script: Script) -> None:
        self.host, self.script = HOST, script
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def cut(self) -> None:
        """End the connections that there are."""
        for peer in self._sockets:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        try:
            while True:
                peer, _ = self._listener.accept()
                self.connections += 1
                self._sockets.append(peer)
                threading.Thread(target=self._talk, args=[peer], daemon=True).start()
        except OSError:
            return

    def _talk(self, peer: socket.socket) -> None:
        try:
            with peer, peer.makefile("rb") as stream:
                while first := stream.read(1):
                    answer = self.script(_read_packet(first[0], stream))
                    if answer is None:
                        return
                    peer.sendall(answer)
        except OSError:
            return


def _read_packet(first: int, stream: Any) -> Packet:
    length = shift = 0
    while True:
        byte = stream.read(1)[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    body = stream.read(length)
    if first & 0xF0 != PUBLISH:
        return Packet(first & 0xF0, body, body[:2], b"")
    start = 2 + int.from_bytes(body[:2], "big")
    return Packet(PUBLISH, body, body[start : start + 2], body[start + 2 :])


def usual(heard: Packet, *, connack: bytes = b"", qos: int = 1) -> bytes:
    """What an honest broker answers."""
    answers = {
        CONNECT: connack or connack_3(),
        PUBLISH: packet(PUBACK if qos == 1 else PUBREC, heard.mid),
        PUBREL: packet(PUBCOMP, heard.mid),
    }
    return answers.get(heard.kind, b"")
