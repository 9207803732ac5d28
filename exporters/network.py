"""Which addresses an exporter may connect to: public ones, and what the operator allows."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address
# One wording for every cause: it must not tell what exists inside.
REFUSED = (
    "The address of this host may not be reached, or is unknown. "
    "Allow it with EXPORT_ALLOW_NETWORKS."
)

# Refused although some Pythons call them global (github.com/python/cpython/issues/113171).
_NOT_PUBLIC = [
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarks
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",  # protocol assignments
        "3fff::/20",  # documentation
    )
]
# All of public IPv6; outside are ::/96, NAT64, fc00::/7, fe80::/10, fec0::/10 and ff00::/8.
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
# RFC 6052; the 32 last bits are an IPv4 address. (64:ff9b:1::/48 has none that can be known.)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(Exception):
    """The address may not be connected to, or the name does not resolve; never says which."""

    def __init__(self) -> None:
        super().__init__(REFUSED)


def _carried(address: Address) -> Sequence[IPv4Address]:
    """Return the IPv4 addresses that packets to this IPv6 address end up at."""
    if isinstance(address, IPv4Address):
        return ()
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    if address.teredo:
        return address.teredo
    inner = address.ipv4_mapped or address.sixtofour
    return (inner,) if inner else ()


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not any(address in network for network in _NOT_PUBLIC)


def _look_up(host: str, port: int) -> list[Address]:
    """Return all addresses of the name, one at least."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(answer[4][0]) for answer in found]
    except (OSError, ValueError):  # UnicodeError is a ValueError: a label too long, or empty
        raise AddressRefused from None
    if not addresses:
        raise AddressRefused
    return addresses


class Network:
    """Resolves once and judges every answer; whoever connects must use the returned address."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = [ipaddress.ip_network(network) for network in allowed]

    def is_allowed(self, address: Address) -> bool:
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            return False
        if any(address in network for network in self._allowed):
            return True
        if carried := _carried(address):
            return all(self.is_allowed(inner) for inner in carried)
        return _is_public(address)

    def resolve(self, host: str, port: int) -> str:
        """Return the IP address to connect to; AddressRefused unless all of the name's are allowed.

        What is judged is what the system's resolver makes of the name, so that its short, octal
        and hexadecimal ways to write an address cannot mislead.
        """
        addresses = _look_up(host, port)
        if not all(map(self.is_allowed, addresses)):
            raise AddressRefused
        return str(addresses[0])

    def resolve_listed(self, host: str, port: int) -> str:
        """Like resolve(), but public addresses must be in the operator's list too.

        For sinks whose client connects to further addresses, which nobody can judge in time.
        """
        addresses = _look_up(host, port)
        if not all(map(self.is_listed, addresses)):
            raise AddressRefused
        return str(addresses[0])

    def is_listed(self, address: Address) -> bool:
        is_scoped = isinstance(address, IPv6Address) and address.scope_id is not None
        return not is_scoped and any(address in network for network in self._allowed)


class JudgedAddress:
    """The address of one host, looked up and judged again when older than `fresh_s`."""

    def __init__(self, network: Network, host: str, port: int, fresh_s: float = 30) -> None:
        self._network, self._host, self._port = network, host, port
        self._fresh_s = fresh_s
        self._lock = threading.Lock()
        self._answer: Future[str] | None = None
        self._asked_at = 0.0

    def get(self, timeout_s: float) -> str:
        """Return it within `timeout_s`, which getaddrinfo alone would not keep; or AddressRefused."""
        with self._lock:
            if self._answer is None or self._is_stale(self._answer):
                self._answer, self._asked_at = Future(), time.monotonic()
                # A daemon: a name server that never answers must not hold up the end.
                threading.Thread(target=self._ask, args=[self._answer], daemon=True).start()
            answer = self._answer
        try:
            return answer.result(max(timeout_s, 0))
        except TimeoutError:
            raise AddressRefused from None

    def _is_stale(self, answer: Future[str]) -> bool:
        if not answer.done():
            return False
        return answer.exception() is not None or time.monotonic() - self._asked_at >= self._fresh_s

    def _ask(self, answer: Future[str]) -> None:
        try:
            answer.set_result(self._network.resolve(self._host, self._port))
        except Exception as error:
            answer.set_exception(error)
