"""Asks one Kafka broker which brokers there are, over a connection to a judged address.

librdkafka cannot be asked: it connects to what it hears of before anybody could judge it, and has
no hook for that in Python. So this speaks the few words of the protocol that are needed, all of
them part of Kafka since 0.11: log in, and metadata without topics.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import ssl
import struct
from typing import Any, BinaryIO

from exporters.bounded_sockets import (
    MAX_ANSWER,
    BoundedSocket,
    Bounds,
    connect,
    secured,
    tls_context,
)
from exporters.transports.base import TransportError
from exporters.transports.kafka_config import SaslAuth

METADATA, SASL_HANDSHAKE, SASL_AUTHENTICATE = 3, 17, 36
UNREACHABLE = "No broker can be reached."
REFUSED_LOGIN = "The broker refused the user name or the password."
CUT_LOGIN = "The broker cut the connection at the login."
REFUSED_TLS = "TLS with the broker failed: its certificate is not accepted, or it has none."
NONSENSE = "What the broker says cannot be understood."
# A broker could make us count for hours.
MAX_ITERATIONS = 1_000_000


def ask_for_brokers(
    config: Any, auth: Any, host: str, port: int, address: str, deadline: float
) -> list[tuple[str, int]]:
    """Return the hosts and ports that the broker advertises; TransportError without an answer."""
    try:
        with connect(address, port, Bounds(deadline)) as raw:
            sock = raw
            if config.tls:
                sock = secured(raw, tls_context(True, config.ca_certificate), host)
            with sock, sock.makefile("rb") as stream:
                return _converse(_Conversation(sock, stream), auth)
    except ssl.SSLError:
        raise TransportError(REFUSED_TLS, unreachable=True) from None
    except OSError:
        raise TransportError(UNREACHABLE, unreachable=True) from None
    except (struct.error, ValueError, IndexError, KeyError):
        raise TransportError(NONSENSE, unreachable=True) from None


def _converse(conversation: _Conversation, auth: Any) -> list[tuple[str, int]]:
    if isinstance(auth, SaslAuth):
        try:
            _log_in(conversation, auth)
        except ConnectionError:
            raise TransportError(CUT_LOGIN, unreachable=True) from None
    # Version 4: no topics, and make none.
    answer = _Reader(conversation.ask(METADATA, 4, struct.pack(">i?", 0, False)))
    answer.number(">i")  # throttle time
    brokers = []
    for _ in range(answer.number(">i")):
        answer.number(">i")  # its id
        brokers.append((answer.text(), answer.number(">i")))
        answer.text()  # its rack
    if not brokers:
        raise ValueError
    return brokers


class _Conversation:
    def __init__(self, sock: BoundedSocket, stream: BinaryIO) -> None:
        self._sock, self._stream = sock, stream

    def ask(self, kind: int, version: int, body: bytes) -> bytes:
        request = struct.pack(">hhi", kind, version, 0) + _text("anpr") + body
        self._sock.sendall(struct.pack(">i", len(request)) + request)
        size = int.from_bytes(self._read(4), "big")
        if not 4 <= size <= MAX_ANSWER:
            raise ValueError
        return self._read(size)[4:]  # without the number of the question

    def _read(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) < size:
            raise ConnectionError
        return data


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return int(value)

    def _take(self, size: int) -> bytes:
        self._at += max(size, 0)  # -1: null
        return self._data[self._at - max(size, 0) : self._at]

    def text(self) -> str:
        return self._take(self.number(">h")).decode()

    def data(self) -> bytes:
        return self._take(self.number(">i"))


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack(">h", len(data)) + data


# -- Logging in -----------------------------------------------------------------------------


def _log_in(conversation: _Conversation, auth: SaslAuth) -> None:
    answer = conversation.ask(SASL_HANDSHAKE, 1, _text(auth.mechanism))
    if _Reader(answer).number(">h"):
        text = f"The broker does not know the mechanism {auth.mechanism}."
        raise TransportError(text, unreachable=True)
    if auth.mechanism == "PLAIN":
        _authenticate(conversation, f"\0{auth.username}\0{auth.password}")
        return
    nonce = secrets.token_urlsafe(18)
    first = f"n={auth.username.replace('=', '=3D').replace(',', '=2C')},r={nonce}"
    challenge = _authenticate(conversation, f"n,,{first}")
    last = _authenticate(conversation, scram_answer(auth, first, nonce, challenge))
    if not last.startswith("v="):
        raise TransportError(REFUSED_LOGIN, unreachable=True)


def _authenticate(conversation: _Conversation, data: str) -> str:
    body = data.encode()
    answer = _Reader(conversation.ask(SASL_AUTHENTICATE, 0, struct.pack(">i", len(body)) + body))
    if answer.number(">h"):
        raise TransportError(REFUSED_LOGIN, unreachable=True)
    answer.text()  # the error's words
    return answer.data().decode()


def scram_answer(auth: SaslAuth, first: str, nonce: str, challenge: str) -> str:
    """Return the second thing that a client says (RFC 5802, section 3)."""
    parts = dict(part.split("=", 1) for part in challenge.split(","))
    iterations = int(parts["i"])
    if not parts["r"].startswith(nonce) or not 1 <= iterations <= MAX_ITERATIONS:
        raise ValueError
    digest = "sha256" if auth.mechanism == "SCRAM-SHA-256" else "sha512"
    salt = base64.b64decode(parts["s"], validate=True)
    salted = hashlib.pbkdf2_hmac(digest, auth.password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", digest)
    without_proof = f"c=biws,r={parts['r']}"
    signed = f"{first},{challenge},{without_proof}".encode()
    signature = hmac.digest(hashlib.new(digest, client_key).digest(), signed, digest)
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    return f"{without_proof},p={base64.b64encode(proof).decode()}"
