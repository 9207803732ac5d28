"""Where a request comes from, of which a proxy of ours may speak and nobody else."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Who has one address of such a network has all of them.
OF_ONE_SUBSCRIBER = 64


def _parsed(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _is_ours(address: Address | None) -> bool:
    return address is not None and any(
        address in ipaddress.ip_network(network) for network in settings.PROXY_NETWORKS
    )


def client_address(request: HttpRequest) -> str | None:
    """Return the nearest address that is no proxy of ours, read from the near end.

    What stands further left in X-Forwarded-For was written by others, who may write anything.
    """
    nearest = _parsed(request.META.get("REMOTE_ADDR", ""))
    for text in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        further = _parsed(text)
        if not _is_ours(nearest) or further is None:
            break
        nearest = further
    return None if nearest is None else str(nearest)


def described(username: str, address: str | None, *rest: object) -> str:
    """Return how the log names who failed to sign in: people type passwords where names go."""
    return f"someone at {address}"


def lock_out_address(request: HttpRequest) -> str | None:
    """Return what failed tries are counted by."""
    address = client_address(request)
    if address is None or ":" not in address:
        return address
    network = ipaddress.ip_network(f"{address}/{OF_ONE_SUBSCRIBER}", strict=False)
    return str(network.network_address)
