"""No webhook gets a packet to an address that is not allowed; listeners on loopback would see it."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from exporters import pinned_http
from exporters.bounded_sockets import BoundedSocket, Bounds, connect
from exporters.network import REFUSED, JudgedAddress, Network
from exporters.tests.sinks import OK, Authority, Sink, status
from exporters.tests.webhooks import LOOPBACK, MESSAGE, Webhooks
from exporters.transports.base import TransportError
from exporters.transports.webhook import NoAuth, WebhookConfig, WebhookTransport

PUBLIC_ONLY: list[str] = []

# As they stand in a URL; each with the port of a listener.
WRITTEN = """
127.0.0.1 127.0.0.2 127.255.255.254 127.1 127.0.1 2130706433 0x7f000001 0x7F.1 0x7f.0.0.1
017700000001 0177.0.0.1 0177.1 127.0.0.1. localhost LOCALHOST localhost. 127。0。0。1 127\uff0e0\uff0e0\uff0e1
\uff10\uff11\uff17\uff17.0.0.1 ⓛⓞⓒⓐⓛⓗⓞⓢⓣ 0 0.0.0.0 00.0.0.0 0x0 [::1] [0:0:0:0:0:0:0:1] [::] [::ffff:127.0.0.1]
[::ffff:7f00:1] [0:0:0:0:0:ffff:7f00:1] [::7f00:1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1]
[2002:7f00:1::1] [2001:0:7f00:1::80ff:fffe] 10.0.0.1 10.255.255.254 172.16.0.1 172.31.255.254
192.168.0.1 192.168.1.254 100.64.0.1 169.254.169.254 2852039166 0xa9fea9fe 169.254.170.2
192.0.0.192 192.88.99.1 198.18.0.1 203.0.113.9 224.0.0.1 239.255.255.250 255.255.255.255 240.0.0.1
[fe80::1] [fc00::1] [fd00:ec2::254] [fec0::1] [ff02::1] [2001:db8::1] [::ffff:169.254.169.254]
[64:ff9b::a9fe:a9fe] [2002:a9fe:a9fe::1] [::ffff:10.0.0.1] [::ffff:0:127.0.0.1] no-such-name.invalid
"""
# What a name server under foreign control may say.
RESOLVED = """
127.0.0.1 127.8.8.8 0.0.0.0 10.1.2.3 172.20.0.1 192.168.0.10 100.100.100.200 169.254.169.254
192.0.0.8 224.0.0.251 255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 fe80::1%2 fd00::1
fec0::1 ff02::1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 2002:7f00:1::1
2001:0:7f00:1::80ff:fffe 8.8.8.8,127.0.0.1 8.8.8.8,::1 127.0.0.1,8.8.8.8
"""


@pytest.fixture
def canaries() -> Iterator[list[Sink]]:
    """Listen on both loopbacks."""
    with Sink() as four, Sink(host="::1") as six:
        yield [four, six]


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return where connections were opened to, from now on."""
    seen: list[Any] = []
    real = socket.socket.connect

    def recorded(self: socket.socket, address: Any) -> None:
        seen.append(address)
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", recorded)
    return seen


def found(*addresses: str) -> Any:
    return [
        (socket.AF_INET6 if ":" in address else socket.AF_INET, 1, 6, "", (address, 0))
        for address in addresses
    ]


def test_the_tables_are_long_enough() -> None:
    assert len(set(WRITTEN.split())) >= 60
    assert len(set(RESOLVED.split())) >= 25


@pytest.mark.parametrize("host", WRITTEN.split())
def test_refuses_forbidden_urls_without_a_packet(
    host: str, canaries: list[Sink], connects: list[Any], webhook: Webhooks
) -> None:
    for scheme, canary in itertools.product(["http", "https"], canaries):
        with pytest.raises(TransportError) as failure:
            webhook(f"{scheme}://{host}:{canary.port}/", allowed=PUBLIC_ONLY).send(MESSAGE)
        assert str(failure.value) == REFUSED
        assert failure.value.unreachable
        assert failure.value.code is None
    assert connects == []
    assert [canary.connections for canary in canaries] == [0, 0]


@pytest.mark.parametrize("addresses", RESOLVED.split())
def test_refuses_names_that_resolve_to_forbidden_addresses(
    addresses: str,
    canaries: list[Sink],
    connects: list[Any],
    webhook: Webhooks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found(*addresses.split(",")))
    for canary in canaries:
        with pytest.raises(TransportError) as failure:
            webhook(f"http://sink.example:{canary.port}/", allowed=PUBLIC_ONLY).send(MESSAGE)
        assert str(failure.value) == REFUSED
    assert connects == []


def test_the_canaries_sing_when_the_operator_allows_loopback(
    canaries: list[Sink], connects: list[Any], webhook: Webhooks
) -> None:
    for canary in canaries:
        assert webhook(canary.url, allowed=LOOPBACK).send(MESSAGE).code == 204
    assert [canary.connections for canary in canaries] == [1, 1]
    assert len(connects) == 2


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://user:pass@127.0.0.1/",
            "http://1.1.1.1@127.0.0.1/",
            "http://127.0.0.1\\@1.1.1.1/",
        ),
        *("http://1.1.1.1#@127.0.0.1/", "http://127.0.0.1#", "http:///hook", "http://:80/", "//x/"),
        *("ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "unix:///run/x.sock"),
        *("http://[fe80::1%25eth0]/", "http://[::1%1]/", "http://[::1/", "http://127.0.0.1:0/"),
        *("http://127.0.0.1:99999/", "http://127.0.0.1:80x/", "http://a b/", "http://a\tb/"),
        *("http://a\r\nHost: b/", " http://a/", "http://a/\n", "http://a..b/", "http://ex!ample/"),
        *("http://℀.example/", "http://user:geheim@℀.example/", "", "hook"),
    ],
)
def test_refuses_urls_that_readers_may_disagree_about(url: str) -> None:
    with pytest.raises(ValueError, match=r"^url: ") as refusal:
        WebhookTransport.check(WebhookConfig(url), NoAuth())
    assert "geheim" not in str(refusal.value)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["http://169.254.169.254/", "http://127.0.0.1:{}/", "/other"])
def test_follows_no_redirect(
    code: int, place: str, canaries: list[Sink], connects: list[Any], webhook: Webhooks
) -> None:
    location = place.format(canaries[0].port)
    with Sink(lambda _: status(code, f"Location: {location}")) as sink:
        with pytest.raises(TransportError, match="redirect not followed") as failure:
            webhook(sink.url, allowed=LOOPBACK).send(MESSAGE)
        assert (failure.value.code, failure.value.unreachable) == (code, False)
        assert len(sink.requests) == 1
    assert canaries[0].connections == 0
    assert connects == [("127.0.0.1", sink.port)]


def test_asks_no_proxy(
    canaries: list[Sink], webhook: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ):
        monkeypatch.setenv(name, canaries[0].url)
    authority = Authority()
    with Sink() as plain, Sink(context=authority.server_context("127.0.0.1")) as tls:
        assert webhook(plain.url, allowed=LOOPBACK).send(MESSAGE).code == 204
        trusted = webhook(tls.url, allowed=LOOPBACK, ca_certificate=authority.pem)
        assert trusted.send(MESSAGE).code == 204
    assert canaries[0].connections == 0


@pytest.fixture
def ever_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look each name up again at every message."""

    def short_lived(network: Network, host: str, port: int) -> JudgedAddress:
        return JudgedAddress(network, host, port, fresh_s=0)

    monkeypatch.setattr(pinned_http, "JudgedAddress", short_lived)


@pytest.mark.usefixtures("ever_anew")
def test_a_name_that_turns_to_loopback_is_refused_although_a_connection_is_open(
    webhook: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = iter([found("127.0.0.5"), found("127.0.0.1"), found("127.0.0.5")])
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: next(rounds))
    with Sink(host="127.0.0.5") as sink:
        sender = webhook(f"http://sink.example:{sink.port}/", allowed=["127.0.0.5/32"])
        sender.send(MESSAGE)
        with pytest.raises(TransportError, match="may not be reached"):
            sender.send(MESSAGE)
        sender.send(MESSAGE)
        assert [request.headers["host"] for request in sink.requests] == [
            f"sink.example:{sink.port}"
        ] * 2


@pytest.mark.usefixtures("ever_anew")
def test_a_name_that_moves_gets_connections_to_its_new_address(
    webhook: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sink(host="127.0.0.5") as old, Sink(host="127.0.0.6", port=old.port) as new:
        rounds = iter([found("127.0.0.5"), found("127.0.0.6"), found("127.0.0.6")])
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: next(rounds))
        sender = webhook(f"http://sink.example:{old.port}/", allowed=LOOPBACK)
        for _ in range(3):
            sender.send(MESSAGE)
        assert (len(old.requests), len(new.requests)) == (1, 2)
        assert new.connections == 1


def test_the_address_judged_is_the_address_connected_to(
    webhook: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A public address passes; the wire to it ends at a sink here."""
    dialled: list[tuple[str, int]] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found("93.184.216.34"))
    with Sink() as sink:

        def dial(address: str, port: int, bounds: Bounds) -> BoundedSocket:
            dialled.append((address, port))
            return connect("127.0.0.1", sink.port, bounds)

        monkeypatch.setattr(pinned_http, "connect", dial)
        webhook("http://Example.COM/a/é?b=c%20d", allowed=PUBLIC_ONLY).send(MESSAGE)
        (request,) = sink.requests
    assert dialled == [("93.184.216.34", 80)]
    assert request.headers["host"] == "example.com"
    assert request.line == "POST /a/%C3%A9?b=c%20d HTTP/1.1"


def test_an_allowed_address_of_the_local_network_passes(
    webhook: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found("192.168.7.20"))
    with Sink(lambda _: OK) as sink:
        monkeypatch.setattr(
            pinned_http, "connect", lambda _, __, bounds: connect("127.0.0.1", sink.port, bounds)
        )
        assert webhook("http://barrier.lan/", allowed=["192.168.7.0/24"]).send(MESSAGE).code == 204
        with pytest.raises(TransportError, match="may not be reached"):
            webhook("http://barrier.lan/", allowed=["192.168.8.0/24"]).send(MESSAGE)


def test_an_allowed_address_where_nobody_listens_is_told_apart_from_a_forbidden_one(
    webhook: Webhooks,
) -> None:
    with Sink() as gone:
        pass
    with pytest.raises(TransportError, match="refused the connection") as failure:
        webhook(gone.url, allowed=LOOPBACK).send(MESSAGE)
    assert failure.value.unreachable
    with pytest.raises(TransportError, match="may not be reached"):
        webhook(gone.url, allowed=PUBLIC_ONLY).send(MESSAGE)
