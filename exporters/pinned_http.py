"""An HTTP/1.1 client for one site that connects to judged addresses only; it knows no webhook.

It is http.client over sockets opened here, so that nothing else can look up a name, follow a
redirect, ask a proxy, retry, decompress, or wait longer than it may.
"""

from __future__ import annotations

import re
import select
import ssl
import threading
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from exporters.bounded_sockets import MAX_ANSWER, BoundedSocket, Bounds, connect, secured
from exporters.network import JudgedAddress, Network

# The status decides; the rest is read only to use the connection again, and not worth a wait.
REST_S = 1.0
# Below the keep-alive time of any common server (the shortest is 2 s), else a message would now
# and then meet a connection that is just being closed.
IDLE_S = 1.5
# Some sinks close without saying so, just after they answered: who is caught by it costs a message
# one attempt, so for a while each message gets a connection of its own.
DISTRUST_S = 300.0
PORTS = {"http": 80, "https": 443}
_NOT_IN_URLS = re.compile(r"[\s\x00-\x1f\x7f\\]")


class Site(NamedTuple):
    """A URL, taken apart once."""

    scheme: str
    host: str
    port: int
    target: str

    @classmethod
    def parse(cls, url: str) -> Site:
        """Raise ValueError for what is no plain http(s) URL of a resource."""
        if _NOT_IN_URLS.search(url):
            raise ValueError("holds a space, a backslash or a control character")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:  # its text may repeat a password
            raise ValueError("is not a valid URL") from None
        if parts.scheme not in PORTS:
            raise ValueError("must begin with https:// or http://")
        if "@" in parts.netloc:
            raise ValueError("must not hold a user or a password; use auth")
        if "#" in url:
            raise ValueError("must not hold a fragment (#)")
        if port == 0:
            raise ValueError("the port must not be 0")
        target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
        if parts.query:
            target += "?" + quote(parts.query, safe="/?%:@!$&'()*+,;=~[]")
        host = _ascii_host(parts.hostname or "")
        return cls(parts.scheme, host, port or PORTS[parts.scheme], target)

    @property
    def authority(self) -> str:
        """For the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def _ascii_host(host: str) -> str:
    try:
        name = host if ":" in host else host.encode("idna").decode()
    except UnicodeError:
        name = ""
    if not re.fullmatch(r"[0-9a-z._-]+|[0-9a-f:.]+", name):
        raise ValueError("the name of the host is not valid")
    return name


class Answer(NamedTuple):
    status: int
    retry_after: str | None


class _Connection(HTTPConnection):
    auto_open = 0  # never opens a socket by itself

    def __init__(self, address: str, opened: BoundedSocket) -> None:
        super().__init__(address)
        self.address, self.sock, self.opened = address, opened, opened
        self.idle_since = 0.0

    def is_fit(self, address: str) -> bool:
        """Not when it has something to read: then it is closed, or an answer came unasked."""
        if self.address != address or time.monotonic() - self.idle_since >= IDLE_S:
            return False
        poll = select.poll()
        poll.register(self.opened, select.POLLIN)
        return not poll.poll(0)


class PinnedClient:
    """Keeps connections alive between requests; for any number of threads."""

    def __init__(self, site: Site, context: ssl.SSLContext | None, network: Network) -> None:
        self._site, self._context = site, context
        self._address = JudgedAddress(network, site.host, site.port)
        self._lock = threading.Lock()
        self._idle: list[_Connection] = []
        self._busy: set[_Connection] = set()
        self._keeps_alive_from = 0.0
        self.closed = False

    def post(self, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Answer:
        """Send one request within `timeout_s`.

        Raises AddressRefused, OSError (TimeoutError and ssl.SSLError are some) or HTTPException.
        """
        bounds = Bounds(time.monotonic() + timeout_s)
        connection = self._connection(self._address.get(timeout_s), bounds)
        reusable = False
        try:
            everything = {"Host": self._site.authority, **headers}
            connection.request("POST", self._site.target, body, everything)
            with connection.getresponse() as response:
                reusable = _read_rest(response, bounds)
                return Answer(response.status, response.getheader("Retry-After"))
        except ConnectionError:
            if connection.idle_since:
                self._keeps_alive_from = time.monotonic() + DISTRUST_S
            raise
        finally:
            self._give_back(connection, reusable)

    def _connection(self, address: str, bounds: Bounds) -> _Connection:
        connection = self._idle_one(address)
        if connection is None:
            sock = connect(address, self._site.port, bounds)
            if self._context is not None:
                sock = secured(sock, self._context, self._site.host.rstrip("."))
            connection = _Connection(address, sock)
        connection.opened.bounds = bounds
        with self._lock:
            if not self.closed:
                self._busy.add(connection)
                return connection
        connection.close()
        raise ConnectionAbortedError

    def _idle_one(self, address: str) -> _Connection | None:
        """Return the connection used last, if it is still good; else none is."""
        with self._lock:
            if self._idle and self._idle[-1].is_fit(address):
                return self._idle.pop()
            old, self._idle = self._idle, []
        for connection in old:
            connection.close()
        return None

    def _give_back(self, connection: _Connection, reusable: bool) -> None:
        now = time.monotonic()
        with self._lock:
            self._busy.discard(connection)
            if reusable and not self.closed and now >= self._keeps_alive_from:
                connection.idle_since = now
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Give up what is under way, too; it fails with an OSError."""
        with self._lock:
            self.closed = True
            idle, self._idle = self._idle, []
            for connection in self._busy:
                connection.opened.abort()
        for connection in idle:
            connection.close()


def _read_rest(response: HTTPResponse, bounds: Bounds) -> bool:
    """Return whether the answer was read to its end, and so the connection is free again."""
    if response.will_close or response.status < 200:
        return False
    bounds.deadline = min(bounds.deadline, time.monotonic() + REST_S)
    try:
        # An amount, since read() alone would reserve whatever Content-Length says.
        response.read(MAX_ANSWER)
    except (OSError, HTTPException):
        return False
    return response.isclosed()
