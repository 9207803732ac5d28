"""The Kafka transport against librdkafka's mock cluster, and Tansu, which shares no code with it."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, Producer

from exporters.network import Network
from exporters.tests.brokers import (
    HOST,
    PASSWORD,
    USER,
    Broker,
    Certificates,
    free_port,
    make_certificates,
    tansu_broker,
)
from exporters.tests.kafka_peers import Gateway, consume, header
from exporters.tests.outcomes import Outcomes, message, wait_until
from exporters.transports.base import Receipt, TransportError
from exporters.transports.kafka import KafkaTransport
from exporters.transports.kafka_config import Config, NoAuth, SaslAuth, parse_servers

LOOPBACK = Network(["127.0.0.0/8", "::1/128"])
MakeBroker = Callable[..., Broker]
MakeTransport = Callable[..., KafkaTransport]


@pytest.fixture
def make_tansu() -> Iterator[MakeBroker]:
    brokers: list[Broker] = []

    def make(*options: str, **more: str) -> Broker:
        brokers.append(tansu_broker(*options, **more))
        brokers[-1].start()
        return brokers[-1]

    yield make
    for broker in brokers:
        broker.stop()


@pytest.fixture
def mock_cluster() -> Iterator[str]:
    """The address of a cluster that lives in this process."""
    settings = {"test.mock.num.brokers": 1, "bootstrap.servers": "ignored:1"}
    owner = Producer(settings, logger=logging.getLogger("mock"))
    broker = next(iter(owner.list_topics(timeout=10).brokers.values()))
    yield f"{broker.host}:{broker.port}"
    owner.flush(0)


@pytest.fixture
def make_transport() -> Iterator[MakeTransport]:
    transports: list[KafkaTransport] = []

    def make(
        servers: str,
        *,
        timeout_s: float = 15,
        auth: Any = None,
        network: Network = LOOPBACK,
        **config: Any,
    ) -> KafkaTransport:
        known: dict[str, Any] = {"bootstrap_servers": servers, "topic": "plates"}
        settings = Config(**known | config)
        KafkaTransport.check(settings, auth)
        transport = KafkaTransport(
            config=settings, auth=auth or NoAuth(), timeout_s=timeout_s, network=network
        )
        transports.append(transport)
        return transport

    yield make
    for transport in transports:
        transport.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def address(broker: Broker) -> str:
    return f"{broker.host}:{broker.port}"


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_messages_arrive_once_and_unchanged(
    make_tansu: MakeBroker, make_transport: MakeTransport, compression: str
) -> None:
    servers = address(make_tansu())
    outcomes = Outcomes(make_transport(servers, compression=compression))
    outcomes.start(*map(message, range(5000)))
    assert outcomes.delivered() == 5000
    found = consume(servers, "plates", 5000)
    assert sorted(each.value() or b"" for each in found) == sorted(
        f"body-{number}".encode() for number in range(5000)
    )


@pytest.mark.parametrize(("key", "value"), [("plate", b"AB7"), ("camera", b"3"), ("sensor", b"5")])
def test_key_is_as_configured_and_ids_are_in_the_headers(
    make_tansu: MakeBroker, make_transport: MakeTransport, key: str, value: bytes
) -> None:
    servers = address(make_tansu())
    outcomes = Outcomes(make_transport(servers, key=key))
    outcomes.start(message(7, plate="AB7"))
    assert outcomes.delivered() == 1
    found = consume(servers, "plates", 1)
    assert [each.key() for each in found] == [value]
    assert header(found[0], "event_id") == b"event-7"
    assert header(found[0], "message_id") == b"message-7"
    assert header(found[0], "content_type") == b"application/json"


def test_odd_plates_are_keys_like_others(mock_cluster: str, make_transport: MakeTransport) -> None:
    odd = ["", "\ud800", "A\x00B", "Ä" * 10_000, "+#/$SYS"]
    outcomes = Outcomes(make_transport(mock_cluster))
    for number in range(1000):
        outcomes.start(message(number, plate=odd[number // 10] if number < 50 else f"P{number}"))
    assert outcomes.delivered() == 1000
    found = consume(mock_cluster, "plates", 1000)
    assert len({each.value() for each in found}) == 1000
    assert {key for each in found if not (key := each.key() or b"").startswith(b"P")} == {
        text.encode("utf-8", "replace") for text in odd
    }


def test_order_of_one_key_is_kept(mock_cluster: str, make_transport: MakeTransport) -> None:
    outcomes = Outcomes(make_transport(mock_cluster, key="camera"))
    outcomes.start(*(message(number, camera=str(number % 7)) for number in range(3000)))
    assert outcomes.delivered() == 3000
    by_camera: dict[bytes | None, list[int]] = {}
    for each in consume(mock_cluster, "plates", 3000):
        by_camera.setdefault(each.key(), []).append(int((each.value() or b"").split(b"-")[1]))
    assert len(by_camera) == 7
    assert all(numbers == sorted(numbers) for numbers in by_camera.values())


def test_message_too_large_fails_alone_and_for_good(
    mock_cluster: str, make_transport: MakeTransport
) -> None:
    outcomes = Outcomes(make_transport(mock_cluster))
    for number in range(1001):
        outcomes.start(message(number, body=bytes(1_500_000) if number == 500 else b""))
    found = outcomes.all()
    large = found.pop(500)
    assert {type(outcome) for outcome in found} == {Receipt}
    assert isinstance(large, TransportError)
    assert large.permanent
    assert large.code == KafkaError.MSG_SIZE_TOO_LARGE


def test_full_queue_makes_wait_and_loses_nothing(
    mock_cluster: str, make_transport: MakeTransport
) -> None:
    transport = make_transport(mock_cluster)
    transport._settings["queue.buffering.max.messages"] = 10
    outcomes = Outcomes(transport)
    outcomes.start(*map(message, range(500)))
    assert outcomes.delivered() == 500


def test_broker_away_for_a_moment_costs_no_message(make_transport: MakeTransport) -> None:
    with Gateway() as gateway:
        outcomes = Outcomes(make_transport(f"localhost:{gateway.port}"))
        for number in range(5000):
            if number % 1000 == 500:
                gateway.cut()
            outcomes.start(message(number))
        assert outcomes.delivered() == 5000
        found = consume(f"localhost:{gateway.port}", "plates", 5000)
    assert len(found) == len({each.value() for each in found}) == 5000


def test_brokers_that_are_away_are_told_soon(make_transport: MakeTransport) -> None:
    outcomes = Outcomes(make_transport(f"{HOST}:{free_port()},{HOST}:{free_port()}"))
    outcomes.start(message(1), message(2))
    error = outcomes.error(timeout=4)
    assert str(error) == "No broker can be reached."
    assert error.unreachable
    assert not error.permanent


def test_broker_that_forgot_the_producer_gets_a_new_one(
    make_tansu: MakeBroker, make_transport: MakeTransport
) -> None:
    broker = make_tansu()
    outcomes = Outcomes(make_transport(address(broker), timeout_s=3))
    outcomes.start(*map(message, range(1000)))
    assert outcomes.delivered() == 1000
    broker.kill()
    outcomes.start(*map(message, range(1000, 1100)))
    broker.start()
    outcomes.all(timeout=6)
    # It keeps nothing: that it has forgotten the producer costs what was under way, and no more.
    outcomes.start(*map(message, range(2000, 3000)))
    assert {type(outcome) for outcome in outcomes.all()[1100:]} == {Receipt}
    assert len(consume(address(broker), "plates", 1000)) == 1000


@pytest.mark.parametrize("way", ["kill", "freeze"])
def test_broker_that_stays_away_is_reported_when_the_time_is_up(
    make_tansu: MakeBroker, make_transport: MakeTransport, way: str
) -> None:
    broker = make_tansu()
    outcomes = Outcomes(make_transport(address(broker), timeout_s=2))
    outcomes.start(message(1))
    assert outcomes.delivered() == 1
    getattr(broker, way)()
    outcomes.start(*map(message, range(2, 100)))
    errors = outcomes.all(timeout=8)[1:]
    assert {getattr(error, "unreachable", None) for error in errors} == {True}
    assert all(re.search("reached|in time", str(error)) for error in errors)


def test_close_reports_what_is_under_way(
    make_tansu: MakeBroker, make_transport: MakeTransport
) -> None:
    broker = make_tansu()
    transport = make_transport(address(broker))
    outcomes = Outcomes(transport)
    outcomes.start(message(1))
    assert outcomes.delivered() == 1
    broker.freeze()
    outcomes.start(*map(message, range(2, 1000)))
    transport.close()
    transport.close()
    outcomes.start(message(1000))
    errors = outcomes.all(timeout=2)[1:]
    assert len(errors) == 999
    assert {getattr(error, "unreachable", None) for error in errors} == {True}


def test_never_used_transport_closes(make_transport: MakeTransport) -> None:
    make_transport(f"{HOST}:1").close()


def test_fatal_error_costs_the_producer_and_no_more(
    mock_cluster: str, make_transport: MakeTransport
) -> None:
    transport = make_transport(mock_cluster)
    outcomes = Outcomes(transport)
    outcomes.start(message(1))
    assert outcomes.delivered() == 1
    first = transport._producer
    transport._complain(KafkaError(KafkaError._FATAL, "out of order", True))
    wait_until(lambda: transport._producer is None)
    outcomes.start(message(2))
    assert outcomes.delivered() == 2
    assert transport._producer is not first


def test_tls_trusts_the_given_authority_alone_and_checks_the_name(
    make_transport: MakeTransport, certificates: Certificates, tmp_path: Path
) -> None:
    other = make_certificates(tmp_path)
    with Gateway(tls=certificates) as gateway:
        servers = f"localhost:{gateway.port}"
        own = {"tls": True, "ca_certificate": certificates.authority}
        outcomes = Outcomes(make_transport(servers, **own))
        outcomes.start(*map(message, range(100)))
        assert outcomes.delivered() == 100

        cases: list[tuple[str, dict[str, Any]]] = [
            (servers, {"tls": True}),
            (servers, {"tls": True, "ca_certificate": other.authority}),
            (f"{HOST}:{gateway.port}", own),  # the certificate is for another name
        ]
        for wrong_servers, config in cases:
            outcomes = Outcomes(make_transport(wrong_servers, **config))
            outcomes.start(message(1))
            error = outcomes.error(timeout=5)
            assert "certificate is not accepted" in str(error)
            assert error.unreachable


@pytest.mark.parametrize("tls", [False, True])
def test_right_password_opens_and_a_wrong_one_is_told_without_it(
    make_transport: MakeTransport, certificates: Certificates, tls: bool
) -> None:
    config = {"tls": True, "ca_certificate": certificates.authority} if tls else {}
    with Gateway(tls=certificates if tls else None, sasl=True) as gateway:
        servers = f"localhost:{gateway.port}"
        right = SaslAuth(mechanism="PLAIN", username=USER, password=PASSWORD)
        outcomes = Outcomes(make_transport(servers, auth=right, **config))
        outcomes.start(*map(message, range(100)))
        assert outcomes.delivered() == 100

        wrong = SaslAuth(mechanism="PLAIN", username=USER, password="secret-canary")
        outcomes = Outcomes(make_transport(servers, auth=wrong, **config))
        outcomes.start(message(1))
        error = outcomes.error(timeout=5)
    assert str(error) == "The broker refused the user name or the password."
    assert error.unreachable
    assert "secret-canary" not in f"{error}{wrong}"


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_unknown_user_is_told(
    make_tansu: MakeBroker, make_transport: MakeTransport, mechanism: Any
) -> None:
    broker = make_tansu("--authentication")
    auth = SaslAuth(mechanism=mechanism, username="nobody", password="secret-canary")
    outcomes = Outcomes(make_transport(address(broker), auth=auth))
    outcomes.start(message(1))
    error = outcomes.error(timeout=5)
    assert str(error) == "The broker refused the user name or the password."


@pytest.mark.parametrize(
    ("host", "allowed"),
    [(HOST, []), ("localhost", ["10.0.0.0/8"]), ("8.8.8.8", []), ("no-such-host.invalid", [])],
)
def test_servers_outside_the_operator_s_networks_see_no_connection(
    make_transport: MakeTransport, host: str, allowed: list[str]
) -> None:
    with socket.create_server((HOST, 0)) as canary:
        canary.settimeout(0.3)
        servers = f"{host}:{canary.getsockname()[1]}"
        outcomes = Outcomes(make_transport(servers, network=Network(allowed)))
        outcomes.start(message(1))
        error = outcomes.error(timeout=5)
        with pytest.raises(TimeoutError):
            canary.accept()
    assert "may not be reached, or is unknown" in str(error)
    assert error.unreachable


def test_advertised_broker_outside_the_operator_s_networks_sees_no_connection(
    make_tansu: MakeBroker, make_transport: MakeTransport
) -> None:
    with socket.create_server(("127.0.0.2", 0)) as canary:
        canary.settimeout(0.3)
        broker = make_tansu(advertised=f"127.0.0.2:{canary.getsockname()[1]}")
        only = Network([f"{HOST}/32"])
        outcomes = Outcomes(make_transport(address(broker), network=only))
        outcomes.start(message(1))
        assert "may not be reached" in str(outcomes.error(timeout=5))
        with pytest.raises(TimeoutError):
            canary.accept()


def test_servers_are_hosts_and_ports() -> None:
    assert parse_servers("a.example:9093, 10.0.0.1,[::1]:1") == [
        ("a.example", 9093),
        ("10.0.0.1", 9092),
        ("::1", 1),
    ]


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"bootstrap_servers": "a:0"}, "bootstrap_servers: "),
        ({"bootstrap_servers": "a:65536"}, "bootstrap_servers: "),
        ({"bootstrap_servers": "a:1,,b:1"}, "bootstrap_servers: "),
        ({"bootstrap_servers": "SSL://a:1"}, "bootstrap_servers: "),
        ({"bootstrap_servers": "user@a:1"}, "bootstrap_servers: "),
        ({"bootstrap_servers": ",".join(["a:1"] * 21)}, "bootstrap_servers: "),
        ({"topic": "{plate}"}, "topic: "),
        ({"ca_certificate": "x"}, "ca_certificate: "),
        ({"ca_certificate": "x", "tls": True}, "ca_certificate: "),
        ({"ca_certificate": "ä", "tls": True}, "ca_certificate: "),
        ({"ca_certificate": "\ud800\x00", "tls": True}, "ca_certificate: "),
        ({"ca_certificate": "/etc/passwd", "tls": True}, "ca_certificate: "),
    ],
    ids=ascii,
)
def test_bad_configuration_is_refused_by_field(config: dict[str, Any], problem: str) -> None:
    known: dict[str, Any] = {"bootstrap_servers": "a:1", "topic": "plates"}
    with pytest.raises(ValueError, match=f"^{problem}"):
        KafkaTransport.check(Config(**known | config), NoAuth())
