"""Where an exporter connects to: judged before it is stored, and compared before secrets go along."""

from __future__ import annotations

import ipaddress
import socket
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec
from django.conf import settings

from exporters.configuration import InvalidConfiguration, Problem
from exporters.network import REFUSED, Address, Network
from exporters.transports.known import TRANSPORTS

DEFAULT_PORTS = {"http": 80, "https": 443}
LOOK_UP_S = 5


@dataclass(frozen=True)
class Endpoint:
    """A host and port, and the field that names it.

    With `listed`, the operator's list must have the address even if it is public: the client goes
    on to addresses that the host names, and nobody can judge those in time.
    """

    field: str
    host: str
    port: int
    scheme: str = ""
    listed: bool = False

    def is_allowed(self, network: Network, address: Address) -> bool:
        return network.is_listed(address) if self.listed else network.is_allowed(address)


def _of_url(url: str) -> Endpoint:
    parts = urlsplit(url)
    port = parts.port or DEFAULT_PORTS.get(parts.scheme.lower(), 0)
    return Endpoint("config.url", (parts.hostname or "").lower(), port, parts.scheme.lower())


def _of_server(server: str) -> Endpoint:
    host, colon, port = server.strip().rpartition(":")
    if not colon or not port.isdecimal():
        host, port = server.strip(), "9092"
    return Endpoint(
        "config.bootstrap_servers", host.strip("[]").lower(), int(port[:6]), listed=True
    )


def endpoints(config: msgspec.Struct) -> frozenset[Endpoint]:
    """Return every host that a typed configuration names; ValueError for a broken address."""
    url = getattr(config, "url", None)
    if url is not None:
        return frozenset({_of_url(url)})
    servers = getattr(config, "bootstrap_servers", None)
    if servers is not None:
        return frozenset(_of_server(server) for server in servers.split(","))
    host, port = getattr(config, "host", ""), getattr(config, "port", 0)
    return frozenset({Endpoint("config.host", host.strip("[]").lower(), port)})


def typed(kind: Any, config: Any) -> msgspec.Struct | None:
    """Return the configuration in its type, None when it has none (its other checks tell why)."""
    transport = TRANSPORTS.get(kind) if isinstance(kind, str) else None
    if transport is None:
        return None
    try:
        return msgspec.convert(config, transport.Config)
    except msgspec.ValidationError:
        return None


def is_same(kind: str, one: Any, other: Any) -> bool:
    """Whether two configurations of a kind go to the same hosts and ports."""
    first, second = typed(kind, one), typed(kind, other)
    if first is None or second is None:
        return False
    try:
        return endpoints(first) == endpoints(second)
    except ValueError:
        return False


def _look_up(endpoint: Endpoint, answer: Future[list[Address]]) -> None:
    try:
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
        answer.set_result([ipaddress.ip_address(one[4][0]) for one in found])
    except (OSError, ValueError, OverflowError):
        # It may resolve later; each delivery resolves and judges it anew.
        answer.set_result([])


def _addresses(endpoint: Endpoint) -> list[Address]:
    """Return what the name stands for now; nothing when that is unknown or takes too long."""
    answer: Future[list[Address]] = Future()
    # A daemon: a name server that never answers must not hold up the end of the process.
    threading.Thread(target=_look_up, args=[endpoint, answer], daemon=True).start()
    try:
        return answer.result(LOOK_UP_S)
    except TimeoutError:
        return []


def refuse_forbidden(kind: Any, config: Any) -> None:
    """Raise InvalidConfiguration when a host of it is, or resolves to, an address that is refused.

    Asks the name server, so it must not be called inside a transaction.
    """
    known = typed(kind, config)
    try:
        named = endpoints(known) if known is not None else frozenset()
    except ValueError:
        return
    network = Network(settings.EXPORT_ALLOW_NETWORKS)
    refused = {
        endpoint.field
        for endpoint in named
        for address in _addresses(endpoint)
        if not endpoint.is_allowed(network, address)
    }
    if refused:
        raise InvalidConfiguration([Problem(field, "refused", REFUSED) for field in refused])
