"""Kafka: an idempotent producer; delivered when every in-sync replica has the message."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections import deque
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as Report

from exporters.network import AddressRefused, Network
from exporters.transports import kafka_config
from exporters.transports.base import (
    Done,
    Message,
    Outcome,
    Receipt,
    Transport,
    TransportError,
)
from exporters.transports.flights import Flight, Flights
from exporters.transports.kafka_config import BATCH_BYTES, parse_servers, settings_of
from exporters.transports.kafka_scout import (
    REFUSED_LOGIN,
    REFUSED_TLS,
    UNREACHABLE,
    ask_for_brokers,
)

logger = logging.getLogger(__name__)

POLL_S = 0.005
IDLE_S = 1.0
OPEN_S = 10.0
REOPEN_S = 1.0
CLOSE_S = 5.0
# While brokers are away, librdkafka says so again within two seconds.
TROUBLE_S = 5.0
# The message's own fault, at each attempt.
_permanent = {KafkaError.INVALID_RECORD, KafkaError._BAD_MSG}
# Why nothing gets through, in words.
_troubles = {
    KafkaError._AUTHENTICATION: REFUSED_LOGIN,
    KafkaError._SSL: REFUSED_TLS,
    KafkaError._RESOLVE: "A broker's host name is unknown.",
    KafkaError._ALL_BROKERS_DOWN: UNREACHABLE,
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "The broker does not let this user write to the topic.",
    KafkaError.UNKNOWN_TOPIC_OR_PART: "There is no such topic.",
}
# These explain the others, which come with them.
_causes = {KafkaError._AUTHENTICATION, KafkaError._SSL}
SILENT = "The brokers did not confirm the message in time."
DELIVERED = Receipt(code=0)
CLOSED = TransportError("Stopped before the brokers confirmed the message.", unreachable=True)


class KafkaTransport(Transport):
    """One thread owns the producer: it opens it, feeds it and hears its reports."""

    Config = kafka_config.Config
    Auth = kafka_config.NoAuth | kafka_config.SaslAuth
    max_in_flight = 4000

    @classmethod
    def check(cls, config: Any, auth: Any) -> None:
        kafka_config.check(config)

    def __init__(self, *, config: Any, auth: Any, timeout_s: float, network: Network) -> None:
        self.config, self.auth = config, auth
        self.timeout_s, self.network = timeout_s, network
        self._settings = settings_of(config, auth, timeout_s)
        self._flights = Flights()
        self._inbox: deque[Flight] = deque()
        self._rung = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._producer: Producer | None = None
        # The last thing that librdkafka complained about, and when; it never takes it back.
        self._trouble: int | None = None
        self._troubled_at = 0.0
        self._confirmed_at = 0.0
        self._is_broken = False

    def start(self, message: Message, done: Done) -> None:
        flight = Flight(message, done, time.monotonic() + self.timeout_s)
        self._flights.add(flight)
        if self._closing.is_set():
            self._flights.settle_all(CLOSED)
            return
        self._inbox.append(flight)
        self._rung.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="kafka", daemon=True)
            self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._rung.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S)
        self._flights.settle_all(CLOSED)

    # -- Below: the thread only -------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing.is_set():
            if not self._flights:
                self._rung.wait(IDLE_S)
            self._rung.clear()
            try:
                self._work()
            except Exception:
                logger.exception("the Kafka producer failed")
                self._flights.settle_all(self._failure())
                self._shut()
        self._shut()

    def _work(self) -> None:
        if self._producer is None:
            if not self._flights:
                return
            self._open()
        if self._producer is not None:
            self._feed(self._producer)
            self._producer.poll(POLL_S if self._flights else 0)
            if self._is_broken:
                self._shut()

    def _open(self) -> None:
        """Make the producer, or report everything that waits for it."""
        self._trouble, self._is_broken = None, False
        try:
            self._judge()
        except AddressRefused as error:
            self._give_up(TransportError(str(error), unreachable=True))
        except TransportError as error:
            self._give_up(error)
        else:
            self._producer = Producer({**self._settings, "error_cb": self._complain}, logger=logger)

    def _give_up(self, error: TransportError) -> None:
        self._flights.settle_all(error)
        while self._inbox and self._inbox[0] not in self._flights:
            self._inbox.popleft()
        self._closing.wait(REOPEN_S)

    def _judge(self) -> None:
        """AddressRefused unless every broker is in the operator's networks; nothing is sent yet."""
        servers = parse_servers(self.config.bootstrap_servers)
        addresses = [self.network.resolve_listed(host, port) for host, port in servers]
        for host, port in self._ask(servers, addresses):
            self.network.resolve_listed(host, port)

    def _ask(self, servers: list[tuple[str, int]], addresses: list[str]) -> list[tuple[str, int]]:
        end = time.monotonic() + min(self.timeout_s, OPEN_S)
        error = TransportError(SILENT, unreachable=True)
        for left, ((host, port), address) in enumerate(zip(servers, addresses, strict=True)):
            now = time.monotonic()
            # Each has its share of the time, so that a dead one hides no living one.
            deadline = now + max(0.1, end - now) / (len(servers) - left)
            try:
                return ask_for_brokers(self.config, self.auth, host, port, address, deadline)
            except TransportError as failure:
                error = failure
        raise error

    def _feed(self, producer: Producer) -> None:
        while self._inbox:
            flight = self._inbox.popleft()
            try:
                self._produce(producer, flight)
            except BufferError:  # librdkafka's queue is full: its reports make room
                self._inbox.appendleft(flight)
                return
            except KafkaException as error:
                self._flights.settle(flight, self._refusal(flight, error.args[0]))

    def _produce(self, producer: Producer, flight: Flight) -> None:
        message = flight.message
        producer.produce(
            self.config.topic,
            message.body,
            key=message.fields.get(self.config.key, "").encode("utf-8", "replace") or None,
            headers=[
                ("event_id", message.fields.get("event_id", message.id).encode()),
                ("message_id", message.id.encode()),
                ("content_type", b"application/json"),
            ],
            on_delivery=functools.partial(self._report, flight),
        )

    def _report(self, flight: Flight, error: KafkaError | None, report: Report) -> None:
        self._flights.settle(flight, self._outcome(flight, error))

    def _outcome(self, flight: Flight, error: KafkaError | None) -> Outcome:
        if error is None:
            self._trouble, self._confirmed_at = None, time.monotonic()
            return DELIVERED
        if self._confirmed_at < flight.deadline - self.timeout_s:
            # Nothing came through all that time. An idempotent producer whose broker has forgotten
            # it would go on like this for ever.
            self._is_broken = True
        return self._refusal(flight, error)

    def _refusal(self, flight: Flight, error: KafkaError) -> TransportError:
        code = error.code()
        is_too_large = code == KafkaError.MSG_SIZE_TOO_LARGE
        if code in _permanent or (is_too_large and len(flight.message.body) > BATCH_BYTES):
            text = f"Kafka does not take the message: {error.str()}."
            return TransportError(text, code=code, permanent=True)
        if is_too_large:
            return TransportError("The broker takes only smaller batches.", code=code)
        return self._failure(code)

    def _failure(self, code: int | None = None) -> TransportError:
        if time.monotonic() - self._troubled_at > TROUBLE_S:
            self._trouble = None
        text = _troubles.get(code or 0) or _troubles.get(self._trouble or 0) or SILENT
        return TransportError(text, code=code or self._trouble, unreachable=True)

    def _complain(self, error: KafkaError) -> None:
        self._is_broken = self._is_broken or error.fatal()
        if error.code() in _troubles and self._trouble not in _causes:
            self._trouble, self._troubled_at = error.code(), time.monotonic()

    def _shut(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()
            producer.flush(1)  # serves the reports of what was purged
