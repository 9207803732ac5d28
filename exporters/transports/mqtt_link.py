"""One connection to an MQTT broker, from CONNECT to its end; after that another one is made."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from exporters.transports.base import Outcome, Receipt, TransportError
from exporters.transports.flights import Flight
from exporters.transports.mqtt_client import (
    FAILURE,
    PinnedClient,
    no_properties,
    publish_properties,
)

KEEPALIVE_S = 30
CONNECT_S = 10.0
MAX_UNDER_WAY = 500
# With QoS 2 brokers keep a state for each, and more than they have room for may vanish although
# acknowledged: mosquitto 2.0.11 with MQTT 3.1.1 loses what goes beyond its default of 20. Other
# brokers start at 10.
MAX_UNDER_WAY_QOS_2 = 10
GOODBYE_S = 1.0
# Some brokers answer a wrong password with nothing else.
CUT_OFF = "The broker cut the connection before any answer: are user name and password right?"
PUBLISH_HEADERS = 128
# Reasons that the same message will meet each time: topic name, packet size, payload format.
PERMANENT = frozenset({0x90, 0x95, 0x99})
SESSION_TAKEN_OVER = 0x8E
Settle = Callable[[Flight, Outcome], None]


class Refused(TransportError):
    """The broker, or its certificate, says no: trying again will not help until somebody acts."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message, code=code, unreachable=True)


class Link:
    """`settle` hears of each outcome; what is `under_way` when the link has ended has none."""

    def __init__(self, client: PinnedClient, wake: socket.socket, settle: Settle) -> None:
        self.under_way: dict[int, Flight] = {}
        self.window = MAX_UNDER_WAY
        self.ended = False
        # Why it ended, as MQTT 5 reason; 0: the broker gave none.
        self.code = 0
        self._client, self._wake, self._settle = client, wake, settle
        self._welcome: Properties | None = None
        self._refusal: ReasonCode | None = None
        self.heard_at = time.monotonic()
        # With QoS 0 paho may report it before publish() has told its number.
        self._publishing: Flight | None = None
        self._poll = select.poll()
        self._misc_at = 0.0
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish

    # -- The connection ---------------------------------------------------------------------

    def open(self, config: Any, address: str, timeout_s: float) -> None:
        """Connect and wait for the broker's welcome; TransportError or OSError without one."""
        timeout_s = min(timeout_s, CONNECT_S)
        deadline = time.monotonic() + timeout_s
        self._client.address, self._client.deadline = address, deadline
        self._client.connect_timeout = timeout_s
        self._client.connect(config.host, config.port, KEEPALIVE_S)
        self._poll.register(self._wake, select.POLLIN)
        self._await(lambda: self._welcome is not None, deadline)
        self._heed_welcome(config)
        if config.status_topic:
            # Awaited, so that a broker that cuts the connection for it blames no message.
            said = self._client.publish(config.status_topic, "online", qos=1, retain=True)
            self._await(said.is_published, deadline)

    def _await(self, happened: Callable[[], bool], deadline: float) -> None:
        while not happened():
            left = deadline - time.monotonic()
            if self._refusal is not None:
                raise Refused(
                    f"The broker refused the connection: {self._refusal}.", self._refusal.value
                )
            if self.ended:
                raise TransportError(CUT_OFF, unreachable=True)
            if left <= 0:
                raise TransportError("The broker did not answer in time.", unreachable=True)
            self.turn(left)

    def _heed_welcome(self, config: Any) -> None:
        most = MAX_UNDER_WAY_QOS_2 if config.qos == 2 else MAX_UNDER_WAY
        self.window = min(most, getattr(self._welcome, "ReceiveMaximum", most))
        if getattr(self._welcome, "MaximumQoS", 2) < config.qos:
            raise Refused(f"The broker does not take QoS {config.qos}.")
        if config.retain and not getattr(self._welcome, "RetainAvailable", 1):
            raise Refused("The broker does not retain messages.")

    def turn(self, timeout_s: float) -> None:
        """Wait for the network or the wake-up call, and deal with what came."""
        sock = self._client.socket()
        if sock is None:
            self.ended = True
            return
        writing = select.POLLOUT if self._client.want_write() else 0
        self._poll.register(sock, select.POLLIN | writing)  # again: changes it
        # TLS may hold decrypted bytes that no poll() tells of.
        pending = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
        events = dict(self._poll.poll(0 if pending else max(timeout_s, 0) * 1000))
        if events.pop(self._wake.fileno(), 0):
            self._wake.recv(4096)
        if events or pending:
            self._client.loop_read()
        self._client.loop_write()
        self._keep_alive()
        self.ended = self.ended or self._client.socket() is None or self._client.answer_is_too_long

    def _keep_alive(self) -> None:
        now = time.monotonic()
        if now >= self._misc_at:
            self._misc_at = now + 1
            self._client.loop_misc()

    def close(self, status_topic: str = "") -> None:
        """Say goodbye if the connection still stands, and let go of it."""
        if self._welcome is not None and not self.ended:
            if status_topic:
                said = self._client.publish(status_topic, "offline", qos=1, retain=True)
                with contextlib.suppress(TransportError):
                    self._await(said.is_published, time.monotonic() + GOODBYE_S)
            self._client.disconnect()
        self._client.drop()
        self.ended = True

    # -- Messages ---------------------------------------------------------------------------

    def publish(self, flight: Flight, topic: str, qos: int, retain: bool) -> None:
        body = flight.message.body
        limit = getattr(self._welcome, "MaximumPacketSize", 0)
        if limit and len(body) + len(topic) + PUBLISH_HEADERS > limit:
            text = f"The message is larger than the {limit} bytes that the broker takes."
            self._settle(flight, TransportError(text, code=0x95, permanent=True))
            return
        properties = publish_properties(flight.message.id) if self._speaks_5 else None
        self._publishing = flight
        mid = self._client.publish(topic, body, qos, retain, properties).mid
        if self._publishing is not None:
            self.under_way[mid], self._publishing = flight, None

    @property
    def _speaks_5(self) -> bool:
        return self._client.protocol == 5

    # -- What paho tells --------------------------------------------------------------------

    def _on_connect(
        self,
        client: Client,
        userdata: Any,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._refusal = reason
        else:
            self._welcome = properties or no_properties(PacketTypes.CONNACK)

    def _on_disconnect(
        self,
        client: Client,
        userdata: Any,
        flags: DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self.ended = True
        if flags.is_disconnect_packet_from_server:
            self.code = reason.value

    def _on_publish(
        self, client: Client, userdata: Any, mid: int, reason: ReasonCode, properties: Properties
    ) -> None:
        self.heard_at = time.monotonic()
        flight = self.under_way.pop(mid, None)
        if flight is None:
            flight, self._publishing = self._publishing, None
        if flight is not None:  # else the status
            self._settle(flight, outcome_of(reason))


def outcome_of(reason: ReasonCode) -> Outcome:
    if reason.value < FAILURE:
        return Receipt(code=reason.value)
    return TransportError(
        f"The broker refused the message: {reason}.",
        code=reason.value,
        permanent=reason.value in PERMANENT,
    )


def connect_error(error: OSError) -> TransportError:
    """Return the failure in words; only what certificates say is taken over from the network."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Refused(f"The broker's certificate is not accepted: {error.verify_message}.")
    if isinstance(error, ssl.SSLError):
        return Refused("The broker does not speak TLS as expected.")
    if isinstance(error, TimeoutError):
        return TransportError("The broker did not answer in time.", unreachable=True)
    if isinstance(error, ConnectionRefusedError):
        return TransportError("The broker's host refused the connection.", unreachable=True)
    return TransportError("There is no connection to the broker.", unreachable=True)
