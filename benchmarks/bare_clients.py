"""The client libraries alone, as fast as they go to the same sinks: what a worker is measured by."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

# As many requests at a time as the exporters have.
CONNECTIONS = 16
UNDER_WAY = 200


def _webhook(config: dict[str, Any], body: bytes, count: int) -> None:
    url = urlsplit(config["url"])

    def post(times: int) -> None:
        connection = HTTPConnection(str(url.hostname), url.port)
        for _ in range(times):
            connection.request("POST", url.path, body, {"Content-Type": "application/json"})
            connection.getresponse().read()
        connection.close()

    threads = [
        threading.Thread(target=post, args=[count // CONNECTIONS]) for _ in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _mqtt(config: dict[str, Any], body: bytes, count: int) -> None:
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    acknowledged, done = 0, threading.Event()

    def on_publish(*_: Any) -> None:
        nonlocal acknowledged
        acknowledged += 1
        if acknowledged == count:
            done.set()

    client = Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(UNDER_WAY)
    client.on_publish = on_publish
    client.connect(config["host"], config["port"])
    client.loop_start()
    for _ in range(count):
        client.publish("bare/AB12CDE", body, qos=1)
    done.wait(120)
    client.disconnect()
    client.loop_stop()


def _kafka(config: dict[str, Any], body: bytes, count: int) -> None:
    from confluent_kafka import Producer

    settings = {"bootstrap.servers": config["bootstrap_servers"], "enable.idempotence": True}
    producer = Producer(settings | {"acks": "all", "linger.ms": 5})
    acknowledged = 0

    def report(*_: Any) -> None:
        nonlocal acknowledged
        acknowledged += 1

    for number in range(count):
        while True:
            try:
                producer.produce("bare", body, key=str(number % 3000), on_delivery=report)
                break
            except BufferError:
                producer.poll(0.01)
    producer.flush(120)
    if acknowledged != count:
        raise RuntimeError(f"{acknowledged} of {count} confirmed")


KINDS: dict[str, Callable[[dict[str, Any], bytes, int], None]] = {
    "webhook": _webhook,
    "mqtt": _mqtt,
    "kafka": _kafka,
}


def rate(kind: str, config: dict[str, Any], body: bytes, count: int) -> float:
    """Return messages a second, from the first to the last acknowledgement."""
    begun = time.monotonic()
    KINDS[kind](config, body, count)
    return count / (time.monotonic() - begun)
