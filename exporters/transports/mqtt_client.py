"""paho's MQTT client, made to connect to the address that was judged and to hear every refusal."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from typing import Any, Protocol

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from exporters.bounded_sockets import tls_context

# From this reason code on, MQTT 5 means a failure.
FAILURE = 0x80
# Nothing that a broker has to say to a client without subscriptions is longer.
MAX_ANSWER_BYTES = 64 * 1024


class Settings(Protocol):
    """What of the exporter's configuration concerns the connection."""

    host: str
    port: int
    protocol: str
    tls: bool
    ca_certificate: str
    status_topic: str


class PinnedClient(Client):
    """Never looks a name up, and never reconnects: each connection has a client of its own."""

    address = ""
    # When the connection must stand.
    deadline = 0.0

    def _create_socket_connection(self) -> socket.socket:
        # A second look-up could give another address. TLS still checks the host's name.
        return socket.create_connection((self.address, self.port), timeout=self.connect_timeout)

    def _ssl_wrap_socket(self, tcp_sock: socket.socket) -> ssl.SSLSocket:
        # paho's time limit is one for each byte: a host could drip them for ever.
        sock = self._tls.wrap_socket(
            tcp_sock, server_hostname=self.host, do_handshake_on_connect=False
        )
        sock.setblocking(False)
        try:
            while not _handshake(sock, self.deadline - time.monotonic()):
                pass
        except BaseException:
            sock.close()
            raise
        return sock

    def use_tls(self, context: ssl.SSLContext) -> None:
        context.sslsocket_class = ssl.SSLSocket
        self._tls = context
        self.tls_set_context(context)

    # paho drops the connection for reasons that the standard does not list for this packet, though
    # mosquitto gives one of them (packet too large), and it takes no notice at all of a PUBREC's.

    def _handle_pubackcomp(self, cmd: str) -> MQTTErrorCode:
        return self._acknowledged()

    def _handle_pubrec(self) -> MQTTErrorCode:
        packet = self._in_packet["packet"]
        if len(packet) > 2 and packet[2] >= FAILURE:
            return self._acknowledged()
        return super()._handle_pubrec()

    def _acknowledged(self) -> MQTTErrorCode:
        packet = self._in_packet["packet"]
        mid = int.from_bytes(packet[:2], "big")
        reason = _reason(packet[2] if len(packet) > 2 else 0)
        with self._out_message_mutex:
            if mid not in self._out_messages:
                return MQTTErrorCode.MQTT_ERR_SUCCESS
            return self._do_on_publish(mid, reason, no_properties(PacketTypes.PUBACK))

    @property
    def answer_is_too_long(self) -> bool:
        return self._in_packet["remaining_length"] > MAX_ANSWER_BYTES

    def drop(self) -> None:
        """Close without a DISCONNECT."""
        self._sock_close()


def _reason(code: int) -> ReasonCode:
    for packet_type in (PacketTypes.PUBACK, PacketTypes.DISCONNECT):
        with contextlib.suppress(KeyError, ValueError):  # not one of this packet's
            return ReasonCode(packet_type, identifier=code)
    return ReasonCode(PacketTypes.PUBACK, "Unspecified error" if code >= FAILURE else "Success")


def _poll(sock: ssl.SSLSocket, event: int, seconds: float) -> None:
    # Not select(), which fails for descriptors over 1,023.
    poll = select.poll()
    poll.register(sock, event)
    poll.poll(seconds * 1000)


def _handshake(sock: ssl.SSLSocket, seconds: float) -> bool:
    """Go one step on; True when it is done."""
    if seconds <= 0:
        raise TimeoutError
    try:
        sock.do_handshake()
    except ssl.SSLWantReadError:
        _poll(sock, select.POLLIN, seconds)
    except ssl.SSLWantWriteError:
        _poll(sock, select.POLLOUT, seconds)
    else:
        return True
    return False


def no_properties(packet_type: int) -> Properties:
    return Properties(packet_type)  # type: ignore[no-untyped-call]  # paho left it out


def make_client(
    settings: Settings, client_id: str, credentials: tuple[str, str] | None
) -> PinnedClient:
    is_5 = settings.protocol == "5"
    client = PinnedClient(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if is_5 else True,
        protocol=MQTTProtocolVersion.MQTTv5 if is_5 else MQTTProtocolVersion.MQTTv311,
        # Else paho would fall back to MQTT 3.1 behind our back.
        reconnect_on_failure=False,
    )
    if credentials is not None:
        client.username_pw_set(*credentials)
    if settings.tls:
        client.use_tls(tls_context(True, settings.ca_certificate))
    if settings.status_topic:
        client.will_set(settings.status_topic, "offline", qos=1, retain=True)
    # The window is the link's, so that nothing ever waits inside paho.
    client.max_inflight_messages_set(0)
    return client


class _Packed:
    """Properties of a PUBLISH, ready to send: paho's own cost more than the rest of a publish."""

    def __init__(self, packed: bytes) -> None:
        self._packed = packed

    def pack(self) -> bytes:
        return self._packed


def _text(value: str) -> bytes:
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


_CONTENT_TYPE = b"\x03" + _text("application/json")
_MESSAGE_ID = b"\x26" + _text("message_id")


def publish_properties(message_id: str) -> Any:
    """Return the content type and the user property `message_id`, for MQTT 5."""
    body = _CONTENT_TYPE + _MESSAGE_ID + _text(message_id)
    length = bytes([len(body) % 128 | 0x80, len(body) // 128]) if len(body) > 127 else None
    return _Packed((length or bytes([len(body)])) + body)
