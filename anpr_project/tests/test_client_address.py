from __future__ import annotations

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from anpr_project.lib.client_address import client_address, lock_out_address

PROXIES = ["10.0.0.0/8", "fd00::/8"]


def seen(settings: Settings, peer: str, forwarded: str | None, networks: list[str]) -> str | None:
    settings.PROXY_NETWORKS = networks
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return client_address(RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers))


@pytest.mark.parametrize(
    ("peer", "forwarded", "networks", "expected"),
    [
        ("203.0.113.5", None, [], "203.0.113.5"),
        ("203.0.113.5", "198.51.100.1", [], "203.0.113.5"),
        ("203.0.113.5", "198.51.100.1", PROXIES, "203.0.113.5"),
        ("10.0.0.2", None, PROXIES, "10.0.0.2"),
        ("10.0.0.2", "", PROXIES, "10.0.0.2"),
        ("10.0.0.2", "198.51.100.1", PROXIES, "198.51.100.1"),
        ("10.0.0.2", "1.2.3.4, 198.51.100.1", PROXIES, "198.51.100.1"),
        ("10.0.0.2", "198.51.100.1, 10.0.0.3", PROXIES, "198.51.100.1"),
        ("10.0.0.2", "10.9.9.9", PROXIES, "10.9.9.9"),
        ("10.0.0.2", "nonsense", PROXIES, "10.0.0.2"),
        ("10.0.0.2", "198.51.100.1, nonsense", PROXIES, "10.0.0.2"),
        ("fd00::1", "2001:db8::7", PROXIES, "2001:db8::7"),
        ("::ffff:10.0.0.2", "198.51.100.1", PROXIES, "198.51.100.1"),
        ("", None, [], None),
    ],
)
def test_only_a_proxy_of_ours_speaks_for_others(
    settings: Settings, peer: str, forwarded: str | None, networks: list[str], expected: str | None
) -> None:
    assert seen(settings, peer, forwarded, networks) == expected


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::"),
        ("", None),
    ],
)
def test_all_addresses_of_a_subscriber_count_as_one(peer: str, expected: str | None) -> None:
    assert lock_out_address(RequestFactory().get("/", REMOTE_ADDR=peer)) == expected
