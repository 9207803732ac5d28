"""Sinks that keep all of what they get, headers, topics and keys too; and one that answers rudely."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ledger.arrivals import KafkaWitness
from ledger.inert.corpus import Hostile

TOPIC = "plates"


@dataclass
class Arrived:
    bodies: list[bytes] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)

    def settle(self, count: int, seconds: float) -> None:
        """Wait until so many came, or until that will not happen any more."""
        deadline = time.monotonic() + seconds
        while len(self.bodies) < count and time.monotonic() < deadline:
            time.sleep(0.1)


@contextmanager
def webhook_sink(arrived: Arrived, rude: list[Hostile]) -> Iterator[str]:
    """`/rude` answers with the texts, one after the other: in the status line, headers and body."""
    answers = iter(rude * 1000)

    class Sink(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/rude":
                text = next(answers).text.encode("utf-8", "replace").replace(b"\n", b" ")
                phrase = text[:200].replace(b"\r", b" ")
                self.wfile.write(b"HTTP/1.1 400 " + phrase + b"\r\nX-Answer: " + phrase)
                self.wfile.write(b"\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n" + text)
                self.close_connection = True
                return
            arrived.bodies.append(body)
            arrived.headers.extend(self.headers.items())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Sink) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def mqtt_sink(arrived: Arrived, folder: Path) -> Iterator[int]:
    from delivering import mqtt_broker
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    def keep(client: Any, userdata: Any, message: Any) -> None:
        arrived.bodies.append(message.payload)
        arrived.topics.append(message.topic)

    with mqtt_broker(folder) as broker:
        client = Client(CallbackAPIVersion.VERSION2, "inert")
        client.on_message = keep
        client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        yield broker.port
        client.disconnect()
        client.loop_stop()


@dataclass
class KafkaSink(KafkaWitness):
    """Notes keys and headers too."""

    arrived: Arrived = field(default_factory=Arrived)

    def _note(self, value: bytes | str, message: Any) -> None:
        self.arrived.bodies.append(_bytes(value))
        pairs = [("key", message.key() or b""), *(message.headers() or [])]
        self.arrived.headers += [(name, _bytes(text).decode()) for name, text in pairs]


@contextmanager
def kafka_sink(arrived: Arrived) -> Iterator[str]:
    from delivering import kafka_broker

    with kafka_broker() as address:
        sink = KafkaSink(address, TOPIC, arrived=arrived)
        yield address
        sink.close()


def _bytes(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
