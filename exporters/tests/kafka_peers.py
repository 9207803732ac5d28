"""The other ends of Kafka: a consumer, and a gateway that adds the TLS and SASL that Tansu lacks."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from anpr_project.lib.tests.ports import HOST
from exporters.network import Network
from exporters.tests.brokers import PASSWORD, USER, Broker, Certificates, tansu_broker
from exporters.transports.kafka import KafkaTransport
from exporters.transports.kafka_config import Config, NoAuth

LOOPBACK = Network(["127.0.0.0/8", "::1/128"])
MakeBroker = Callable[..., Broker]
MakeTransport = Callable[..., KafkaTransport]
SASL_HANDSHAKE, SASL_AUTHENTICATE = 17, 36
UNSUPPORTED_MECHANISM, AUTHENTICATION_FAILED = 33, 58


@pytest.fixture
def make_tansu() -> Iterator[MakeBroker]:
    brokers: list[Broker] = []

    def make(*options: str, **more: str) -> Broker:
        brokers.append(tansu_broker(*options, **more))
        brokers[-1].start()
        return brokers[-1]

    yield make
    for broker in brokers:
        broker.stop()


@pytest.fixture
def mock_cluster() -> Iterator[str]:
    """The address of a cluster that lives in this process."""
    settings = {"test.mock.num.brokers": 1, "bootstrap.servers": "ignored:1"}
    owner = Producer(settings, logger=logging.getLogger("mock"))
    broker = next(iter(owner.list_topics(timeout=10).brokers.values()))
    yield f"{broker.host}:{broker.port}"
    owner.flush(0)


@pytest.fixture
def make_transport() -> Iterator[MakeTransport]:
    transports: list[KafkaTransport] = []

    def make(
        servers: str,
        *,
        timeout_s: float = 15,
        auth: Any = None,
        network: Network = LOOPBACK,
        **config: Any,
    ) -> KafkaTransport:
        known: dict[str, Any] = {"bootstrap_servers": servers, "topic": "plates"}
        settings = Config(**known | config)
        KafkaTransport.check(settings, auth)
        transport = KafkaTransport(
            config=settings, auth=auth or NoAuth(), timeout_s=timeout_s, network=network
        )
        transports.append(transport)
        return transport

    yield make
    for transport in transports:
        transport.close()


def address(broker: Broker) -> str:
    return f"{broker.host}:{broker.port}"


def consume(servers: str, topic: str, count: int, **settings: str) -> list[Message]:
    """Read the topic from its beginning until there are so many messages, or 20 s have passed."""
    consumer = Consumer(
        {"bootstrap.servers": servers, "group.id": "test", "log_level": 0, **settings}
    )
    found: list[Message] = []
    try:
        partitions = consumer.list_topics(topic, timeout=20).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        deadline = time.monotonic() + 20
        while len(found) < count and time.monotonic() < deadline:
            found += [each for each in consumer.consume(1000, timeout=0.2) if not each.error()]
    finally:
        consumer.close()
    return found


def _read(peer: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = peer.recv(size - len(data))
        if not chunk:
            raise ConnectionError
        data += chunk
    return data


def _text(data: bytes) -> bytes:
    return struct.pack(">h", len(data)) + data


class Gateway:
    """Tansu behind TLS, SASL PLAIN or both; it answers the login itself and passes on the rest."""

    def __init__(self, *, tls: Certificates | None = None, sasl: bool = False) -> None:
        self._tls: ssl.SSLContext | None = None
        if tls is not None:
            self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._tls.load_cert_chain(tls.certificate_file, tls.key_file)
        self._sasl = sasl
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._broker = tansu_broker(advertised=f"localhost:{self.port}")
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._broker.start()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.close()
        self.cut()
        self._broker.stop()

    def cut(self) -> None:
        """End the connections that there are."""
        for each in self._sockets:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                self._sockets.append(peer)
                threading.Thread(target=self._serve, args=[peer], daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            peer = stack.enter_context(raw)
            if self._tls is not None:
                peer = stack.enter_context(self._tls.wrap_socket(raw, server_side=True))
            upstream = stack.enter_context(socket.create_connection((HOST, self._broker.port)))
            self._sockets += [peer, upstream]
            answers = threading.Thread(target=self._answers, args=[upstream, peer])
            answers.start()
            try:
                while True:
                    self._pass_on(peer, upstream)
            finally:
                socket.socket.shutdown(upstream, socket.SHUT_RDWR)
                answers.join()

    def _answers(self, upstream: socket.socket, peer: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            while data := upstream.recv(65_536):
                peer.sendall(data)

    def _pass_on(self, peer: socket.socket, upstream: socket.socket) -> None:
        size = _read(peer, 4)
        request = _read(peer, int.from_bytes(size, "big"))
        kind, version = struct.unpack(">hh", request[:4])
        if self._sasl and kind in (SASL_HANDSHAKE, SASL_AUTHENTICATE):
            answer = request[4:8] + self._login(kind, version, request)
            peer.sendall(struct.pack(">i", len(answer)) + answer)
        else:
            upstream.sendall(size + request)

    def _login(self, kind: int, version: int, request: bytes) -> bytes:
        if kind == SASL_HANDSHAKE:
            is_known = request.endswith(_text(b"PLAIN"))
            error = 0 if is_known else UNSUPPORTED_MECHANISM
            return struct.pack(">hi", error, 1) + _text(b"PLAIN")
        is_right = request.endswith(f"\0{USER}\0{PASSWORD}".encode())
        error = 0 if is_right else AUTHENTICATION_FAILED
        lifetime = struct.pack(">q", 0) if version else b""
        return struct.pack(">h", error) + _text(b"no" if error else b"") + bytes(4) + lifetime


def header(message: Message, name: str) -> Any:
    return dict(message.headers() or [])[name]
