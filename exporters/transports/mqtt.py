"""MQTT 3.1.1 and 5: one connection, many messages under way, delivered when the broker says so."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
import uuid
from collections import deque
from typing import Any

from exporters.network import AddressRefused, JudgedAddress, Network
from exporters.transports import mqtt_config
from exporters.transports.base import (
    Done,
    Message,
    Outcome,
    Receipt,
    Transport,
    TransportError,
)
from exporters.transports.flights import Flight, Flights
from exporters.transports.mqtt_client import make_client
from exporters.transports.mqtt_link import (
    MAX_UNDER_WAY,
    SESSION_TAKEN_OVER,
    Link,
    Refused,
    connect_error,
)
from exporters.transports.topics import fill_topic

logger = logging.getLogger(__name__)

# A message that was alone under way when the connection broke, this often, is what breaks it.
POISON_BREAKS = 2
# Waiting before connecting again, since the last acknowledgement. Twice briefly: a message that the
# broker cuts the connection for costs two pairs of connections, and the others wait for them.
BACKOFF_S = (0.1, 0.1, 0.4, 1.6, 5.0)
CLOSE_S = 5.0
TURN_S = 1.0
SILENT = TransportError("The broker did not acknowledge the message in time.", unreachable=True)
CLOSED = TransportError("Stopped before the broker acknowledged the message.", unreachable=True)
NONSENSE = TransportError("What the broker says cannot be understood.", unreachable=True)
POISON = TransportError(
    "The broker cuts the connection whenever it gets this message.", permanent=True
)


class MqttTransport(Transport):
    """One thread owns the connection; start() and close() only hand it work.

    What was under way when a connection broke is sent again on the next one, as MQTT's QoS 1 and 2
    mean it, until its time is up. If the connection breaks again, those messages go one at a time,
    so that the one at fault is found and the others get through.
    """

    Config = mqtt_config.Config
    Auth = mqtt_config.NoAuth | mqtt_config.BasicAuth
    max_in_flight = MAX_UNDER_WAY

    @classmethod
    def check(cls, config: Any, auth: Any) -> None:
        mqtt_config.check(config)

    def __init__(self, *, config: Any, auth: Any, timeout_s: float, network: Network) -> None:
        self.config, self.auth = config, auth
        self.timeout_s = timeout_s
        self._address = JudgedAddress(network, config.host, config.port)
        # Of its own for each transport: several workers may serve one exporter.
        self._client_id = config.client_id or f"anpr-{uuid.uuid4().hex[:18]}"
        self._flights = Flights()
        self._inbox: deque[Flight] = deque()
        # Sent one at a time.
        self._suspects: deque[Flight] = deque()
        self._closing = threading.Event()
        self._waker, self._wake = socket.socketpair()
        self._waker.setblocking(False)
        self._thread: threading.Thread | None = None
        self._rung = False
        self._failures = 0
        self._was_connected = False
        self._trouble = SILENT

    def start(self, message: Message, done: Done) -> None:
        flight = Flight(message, done, time.monotonic() + self.timeout_s)
        self._flights.add(flight)
        if self._closing.is_set():
            self._flights.settle_all(CLOSED)
            return
        self._inbox.append(flight)
        self._ring()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
            self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._ring()
        if self._thread is not None:
            self._thread.join(CLOSE_S)
        else:
            self._close_wake()
        self._flights.settle_all(CLOSED)

    def _ring(self) -> None:
        # One byte is enough until the thread has looked.
        if not self._rung:
            self._rung = True
            with contextlib.suppress(OSError):
                self._waker.send(b"x")

    def _close_wake(self) -> None:
        self._waker.close()
        self._wake.close()

    # -- Below: the thread only -------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing.is_set():
            if self._flights:
                self._work()
            else:
                self._wake.recv(4096)
                self._rung = False
        self._close_wake()

    def _work(self) -> None:
        link: Link | None = None
        try:
            link = self._connect()
            if link is not None:
                self._serve(link)
        except Exception:  # what the broker said makes no sense to paho
            logger.exception("the connection to an MQTT broker failed")
            if link is not None:
                link.ended = True
            self._fail(NONSENSE)
        if link is not None:
            self._part_with(link)
        self._pause()

    def _connect(self) -> Link | None:
        try:
            address = self._address.get(self.timeout_s)
            client = make_client(self.config, self._client_id, _credentials(self.auth))
            link = Link(client, self._wake, self._settle)
            link.open(self.config, address, self.timeout_s)
        except AddressRefused as error:
            self._fail(Refused(str(error)))
        except TransportError as error:
            self._fail(error)
        except OSError as error:
            self._fail(connect_error(error))
        else:
            self._was_connected, self._trouble = True, SILENT
            return link
        return None

    def _fail(self, error: TransportError) -> None:
        self._trouble = error
        # A broker that worked before may be back in time for the messages that wait.
        if isinstance(error, Refused) or not self._was_connected:
            self._flights.settle_all(error)

    def _serve(self, link: Link) -> None:
        while not (link.ended or self._closing.is_set()):
            self._send(link)
            link.turn(self._time_left())
            self._expire()
            if link.under_way and time.monotonic() - link.heard_at > self.timeout_s:
                first = next(iter(link.under_way.values()))
                if first not in self._flights:
                    return

    def _send(self, link: Link) -> None:
        self._rung = False
        while len(link.under_way) < link.window and not link.ended:
            flight = self._next(link)
            if flight is None:
                return
            topic = fill_topic(self.config.topic, flight.message.fields)
            link.publish(flight, topic, self.config.qos, self.config.retain)

    def _next(self, link: Link) -> Flight | None:
        first = next(iter(link.under_way.values()), None)
        if first is not None and (self._suspects or first.breaks > 1):
            return None
        for queue in (self._suspects, self._inbox):
            while queue:
                flight = queue.popleft()
                if flight in self._flights:
                    return flight
        return None

    def _part_with(self, link: Link) -> None:
        is_broken = link.ended and link.code != SESSION_TAKEN_OVER
        with contextlib.suppress(Exception):  # a goodbye that fails changes nothing
            link.close(self.config.status_topic)
        lost = [flight for flight in link.under_way.values() if flight in self._flights]
        if is_broken:
            self._blame(lost)
        for flight in reversed(lost):
            (self._suspects if flight.breaks > 1 else self._inbox).appendleft(flight)

    def _blame(self, lost: list[Flight]) -> None:
        for flight in lost:
            flight.breaks += 1
        if len(lost) == 1:
            lost[0].breaks_alone += 1
            if lost[0].breaks_alone >= POISON_BREAKS:
                self._flights.settle(lost[0], POISON)

    def _pause(self) -> None:
        until = time.monotonic() + BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)]
        self._failures += 1
        while (left := until - time.monotonic()) > 0 and not self._closing.is_set():
            self._closing.wait(min(left, self._time_left()))
            self._expire()

    def _settle(self, flight: Flight, outcome: Outcome) -> None:
        if isinstance(outcome, Receipt):
            self._failures = 0
        self._flights.settle(flight, outcome)

    def _time_left(self) -> float:
        deadline = self._flights.next_deadline()
        return TURN_S if deadline is None else min(TURN_S, max(0, deadline - time.monotonic()))

    def _expire(self) -> None:
        for flight in self._flights.overdue(time.monotonic()):
            self._flights.settle(flight, self._trouble)
        for queue in (self._suspects, self._inbox):
            while queue and queue[0] not in self._flights:
                queue.popleft()


def _credentials(auth: Any) -> tuple[str, str] | None:
    return (auth.username, auth.password) if isinstance(auth, mqtt_config.BasicAuth) else None
