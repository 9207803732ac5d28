"""Which addresses an exporter may connect to: public ones, and what the operator allows."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(Exception):
    """The address may not be connected to, or the name does not resolve; never says which port
    or host would have answered."""


class Network:
    """Resolves once and judges every answer; whoever connects must use the returned address."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = [ipaddress.ip_network(network) for network in allowed]

    def is_allowed(self, address: Address) -> bool:
        raise NotImplementedError

    def resolve(self, host: str, port: int) -> str:
        """Return the IP address to connect to; AddressRefused unless all of the name's are allowed."""
        raise NotImplementedError


__all__ = ["Address", "AddressRefused", "Network", "socket"]
