"""Webhook receivers on loopback, well-behaved or not, and the certificates for them."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


class Request(NamedTuple):
    line: str
    # Names in lower case.
    headers: dict[str, str]
    body: bytes


# Bytes as they go over the wire; pieces of them; None: cut the connection with a reset.
Reply = bytes | Iterator[bytes] | None


def status(code: int, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {code} Because", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


class Sink:
    """Answers every request with what `reply` makes of it, and keeps all it got."""

    def __init__(
        self,
        reply: Callable[[Request], Reply] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.reply, self.context = reply or (lambda _: OK), context
        self.requests: list[Request] = []
        self.connections = 0
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
        self.port: int = self._listener.getsockname()[1]
        self.host = f"[{host}]" if ":" in host else host

    @property
    def url(self) -> str:
        return f"{'https' if self.context else 'http'}://{self.host}:{self.port}/hook"

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        # close() alone would not wake accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        for connection in self._open:
            # Also for TLS the one below it, so that nothing is said any more.
            _quietly(partial(socket.socket.shutdown, connection, socket.SHUT_RDWR))
        for thread in self._threads:
            thread.join()

    def _run(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.settimeout(20)
            self._open.append(connection)
            self._run(partial(self._serve, connection))

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            _quietly(lambda: self._talk(connection))

    def _talk(self, plain: socket.socket) -> None:
        connection = self.context.wrap_socket(plain, server_side=True) if self.context else plain
        self._open.append(connection)
        with connection, connection.makefile("rb") as reader:
            while line := reader.readline():
                headers = {}
                while (header := reader.readline().decode().strip()) != "":
                    name, _, value = header.partition(":")
                    headers[name.lower()] = value.strip()
                body = reader.read(int(headers.get("content-length", 0)))
                request = Request(line.decode().strip(), headers, body)
                self.requests.append(request)
                reply = self.reply(request)
                if reply is None:
                    # Linger 0: the peer sees a reset, not an end.
                    linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    return
                for piece in [reply] if isinstance(reply, bytes) else reply:
                    connection.sendall(piece)
                    if piece == b"":
                        return


def _quietly(action: Callable[[], None]) -> None:
    try:
        action()
    except OSError:  # the other side went away: for a sink that is normal
        pass


class Authority:
    """A certificate authority that was made a moment ago, which nobody trusts yet."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of tests")])
        self._certificate = self._signed(self._name, self._key, [], ca=True)
        self.pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def _signed(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, names: list[str], *, ca: bool
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            alternatives = x509.SubjectAlternativeName([_general(each) for each in names])
            builder = builder.add_extension(alternatives, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def server_context(self, *names: str) -> ssl.SSLContext:
        """Return what a server needs to show a certificate for these hosts and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = self._signed(name, key, list(names), ca=False)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile() as file:
            file.write(certificate.public_bytes(serialization.Encoding.PEM))
            file.write(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
            file.flush()
            context.load_cert_chain(file.name)
        return context


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
