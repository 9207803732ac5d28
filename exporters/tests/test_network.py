from __future__ import annotations

import ipaddress
import socket
import threading
import time
from typing import Any

import pytest

from exporters.bounded_sockets import BoundedSocket, Bounds
from exporters.network import REFUSED, AddressRefused, JudgedAddress, Network

PORT = 443

FORBIDDEN = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.254 127.0.0.1 127.255.255.254
169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.9 192.0.0.192
192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.7
203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
:: ::1 ::7f00:1 ::a9fe:a9fe ::808:808 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::a00:1 64:ff9b:1::1
64:ff9b:1::808:808 100::1 2001::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1
2001:0:a9fe:a9fe::f7f7:f7f7 2001:0:808:808::5601:5601 2002:7f00:1::1 2002:a9fe:a9fe:: 2002:a00:1::
3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fdff::1 fe80::1 fe80::1%2 2606:4700::1%2 febf::1
fec0::1 fed0::1 ff02::1 ff0e::1
"""

PUBLIC = """
1.1.1.1 8.8.8.8 93.184.216.34 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.0.1.1 198.17.0.1
223.255.255.255 2606:4700:4700::1111 2a00:1450::1 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1
2001:0:808:808::f7f7:f7f7
"""


def test_the_table_is_long_enough() -> None:
    assert len(set(FORBIDDEN.split())) >= 60


@pytest.mark.parametrize("address", FORBIDDEN.split())
def test_refuses_what_is_not_public(address: str) -> None:
    assert not Network([]).is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC.split())
def test_lets_public_addresses_pass(address: str) -> None:
    assert Network([]).is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["192.168.7.1", "192.168.7.255", "::ffff:192.168.7.9", "64:ff9b::192.168.7.9", "fd12::1"],
)
def test_the_operators_list_admits_what_it_holds(address: str) -> None:
    network = Network(["192.168.7.0/24", "fd12::/16"])
    assert network.is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["192.168.8.1", "127.0.0.1", "::1", "::ffff:192.168.8.1", "fd13::1", "fd12::1%3"]
)
def test_the_operators_list_admits_nothing_else(address: str) -> None:
    network = Network(["192.168.7.0/24", "fd12::/16"])
    assert not network.is_allowed(ipaddress.ip_address(address))


def test_both_ends_of_a_teredo_tunnel_count() -> None:
    # Server 8.8.8.8, client 10.0.0.1 (its bits are inverted).
    tunnel = ipaddress.ip_address("2001:0:808:808::f5ff:fffe")
    assert not Network([]).is_allowed(tunnel)
    assert Network(["10.0.0.0/8"]).is_allowed(tunnel)


def answers(*addresses: str) -> Any:
    """Return a getaddrinfo that finds these."""

    def getaddrinfo(host: str, port: int, **_: Any) -> Any:
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, 1, 6, "", (address, port))
            for address in addresses
        ]

    return getaddrinfo


def test_resolves_to_the_first_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answers("8.8.8.8", "1.1.1.1"))
    assert Network([]).resolve("sink.example", PORT) == "8.8.8.8"


def test_one_forbidden_address_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answers("8.8.8.8", "10.0.0.1"))
    with pytest.raises(AddressRefused):
        Network([]).resolve("sink.example", PORT)


def test_a_name_without_addresses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answers())
    with pytest.raises(AddressRefused):
        Network([]).resolve("sink.example", PORT)


@pytest.mark.parametrize(
    "host",
    [
        *("127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1"),
        *("0", "00.0.0.0", "localhost", "LOCALHOST", "localhost.", "127。0。0。1", "①②⑦.0.0.1"),
        *("::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:0:0:1", "fe80::1%1", "[::1]"),
        *("", "a..b", f"{'a' * 64}.example", "no-such-host.invalid", "127.0.0.1\x00.example"),
    ],
)
def test_however_it_is_written_the_refusal_reads_the_same(host: str) -> None:
    with pytest.raises(AddressRefused) as refusal:
        Network([]).resolve(host, PORT)
    assert str(refusal.value) == REFUSED
    assert refusal.value.__cause__ is None


def test_numeric_forms_of_an_allowed_address_pass() -> None:
    assert Network(["127.0.0.0/8"]).resolve("0x7f.1", PORT) == "127.0.0.1"


class Names:
    """A name server that says what it is told, or nothing until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *rounds: str) -> None:
        self.rounds, self.asked = list(rounds), 0
        self.free = threading.Event()
        self.free.set()
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host: str, port: int, **options: Any) -> Any:
        self.free.wait(10)
        address = self.rounds[min(self.asked, len(self.rounds) - 1)]
        self.asked += 1
        if not address:
            raise socket.gaierror
        return answers(address)(host, port)


def test_looks_up_once_while_the_answer_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch, "8.8.8.8", "1.1.1.1")
    address = JudgedAddress(Network([]), "sink.example", PORT)
    assert [address.get(5), address.get(5)] == ["8.8.8.8", "8.8.8.8"]
    assert names.asked == 1


def test_a_changed_answer_is_judged_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    Names(monkeypatch, "8.8.8.8", "1.1.1.1", "127.0.0.1")
    address = JudgedAddress(Network([]), "sink.example", PORT, fresh_s=0)
    assert [address.get(5), address.get(5)] == ["8.8.8.8", "1.1.1.1"]
    with pytest.raises(AddressRefused):
        address.get(5)


def test_a_failed_look_up_is_repeated_at_the_next_message(monkeypatch: pytest.MonkeyPatch) -> None:
    Names(monkeypatch, "", "8.8.8.8")
    address = JudgedAddress(Network([]), "sink.example", PORT)
    with pytest.raises(AddressRefused):
        address.get(5)
    assert address.get(5) == "8.8.8.8"


def test_a_silent_name_server_costs_the_time_limit_and_one_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Names(monkeypatch, "8.8.8.8")
    names.free.clear()
    address = JudgedAddress(Network([]), "sink.example", PORT)
    started = time.monotonic()
    for _ in range(3):
        with pytest.raises(AddressRefused):
            address.get(0.05)
    assert time.monotonic() - started < 10
    names.free.set()
    assert address.get(5) == "8.8.8.8"
    assert names.asked == 1


def test_an_exchange_whose_time_is_up_asks_the_socket_nothing() -> None:
    with pytest.raises(TimeoutError):
        Bounds(time.monotonic()).seconds()


def test_ending_a_connection_that_has_gone_is_no_error() -> None:
    with BoundedSocket() as never_connected:
        never_connected.abort()
