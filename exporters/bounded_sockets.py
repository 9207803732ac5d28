"""Sockets to a judged address that keep a limit of time and of bytes over a whole exchange."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from typing import Any

# Of a whole answer, headers included.
MAX_ANSWER = 64 * 1024


class AnswerTooLong(OSError):
    """More than MAX_ANSWER bytes came."""


class Bounds:
    """How long, and how much, one exchange may take."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.allowance = MAX_ANSWER

    def seconds(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def counted(self, size: int) -> int:
        self.allowance -= size
        if self.allowance < 0:
            raise AnswerTooLong
        return size


class BoundedSocket(socket.socket):
    """A limit for each call would let a sink drip one byte at a time, for ever."""

    bounds: Bounds

    def recv_into(self, *args: Any) -> int:
        self.settimeout(self.bounds.seconds())
        return self.bounds.counted(super().recv_into(*args))

    def send(self, *args: Any) -> int:
        self.settimeout(self.bounds.seconds())
        return super().send(*args)

    def sendall(self, *args: Any) -> None:
        self.settimeout(self.bounds.seconds())
        super().sendall(*args)

    def abort(self) -> None:
        """End what another thread waits for here."""
        try:
            # Not SSLSocket's, which takes the TLS state away from under the other thread.
            socket.socket.shutdown(self, socket.SHUT_RDWR)
        except OSError:  # gone already
            pass


class BoundedTLSSocket(BoundedSocket, ssl.SSLSocket):
    pass


def tls_context(verify: bool, ca_certificate: str) -> ssl.SSLContext:
    """Trust the system's authorities or, when given, only the PEM ones; ValueError if unusable."""
    if "PRIVATE KEY" in ca_certificate:
        raise ValueError("holds a private key; give the certificate alone")
    try:
        context = ssl.create_default_context(cadata=ca_certificate or None)
    except (ssl.SSLError, ValueError, TypeError):  # TypeError: not ASCII
        raise ValueError("is not a certificate in PEM format") from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.sslsocket_class = BoundedTLSSocket
    return context


def connect(address: str, port: int, bounds: Bounds) -> BoundedSocket:
    family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    sock = BoundedSocket(family, socket.SOCK_STREAM)
    sock.bounds = bounds
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(bounds.seconds())
        sock.connect((address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def secured(sock: BoundedSocket, context: ssl.SSLContext, host: str) -> BoundedSocket:
    """Return the TLS socket around `sock`, which is used up even when the handshake fails."""
    try:
        sock.settimeout(sock.bounds.seconds())
        wrapped = context.wrap_socket(sock, server_hostname=host)
    except BaseException:
        sock.close()
        raise
    assert isinstance(wrapped, BoundedSocket)  # noqa: S101 - the context makes no other
    wrapped.bounds = sock.bounds
    return wrapped
