"""Whom the Kafka transport connects to: TLS, logins, the operator's networks, its settings."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from anpr_project.lib.tests.ports import HOST, free_port
from exporters.network import Network
from exporters.tests.brokers import (
    PASSWORD,
    USER,
    Certificates,
    make_certificates,
)
from exporters.tests.kafka_peers import (
    Gateway,
    MakeBroker,
    MakeTransport,
    address,
    make_tansu,
    make_transport,
)
from exporters.tests.outcomes import Outcomes, message
from exporters.transports.kafka import KafkaTransport
from exporters.transports.kafka_config import Config, NoAuth, SaslAuth, parse_servers
from exporters.transports.kafka_scout import scram_answer

__all__ = ["make_tansu", "make_transport"]  # the fixtures


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


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


@pytest.mark.parametrize(
    ("mechanism", "words"),
    [
        ("SCRAM-SHA-256", "The broker refused the user name or the password."),
        ("SCRAM-SHA-512", "The broker refused the user name or the password."),
        ("PLAIN", "The broker cut the connection at the login."),  # Tansu does not know it
    ],
)
def test_unknown_user_is_told(
    make_tansu: MakeBroker, make_transport: MakeTransport, mechanism: Any, words: str
) -> None:
    broker = make_tansu("--authentication")
    auth = SaslAuth(mechanism=mechanism, username="nobody", password="secret-canary")
    outcomes = Outcomes(make_transport(address(broker), auth=auth))
    outcomes.start(message(1))
    assert str(outcomes.error(timeout=5)) == words


def test_unknown_mechanism_is_told(make_transport: MakeTransport) -> None:
    with Gateway(sasl=True) as gateway:
        auth = SaslAuth(mechanism="SCRAM-SHA-256", username=USER, password=PASSWORD)
        outcomes = Outcomes(make_transport(f"localhost:{gateway.port}", auth=auth))
        outcomes.start(message(1))
        assert "mechanism SCRAM-SHA-256" in str(outcomes.error(timeout=5))


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


def test_scram_answers_as_in_the_standard() -> None:
    # RFC 7677, section 3.
    auth = SaslAuth(mechanism="SCRAM-SHA-256", username="user", password="pencil")
    challenge = (
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    )
    answer = scram_answer(auth, "n=user,r=rOprNGfwEbeRWgbNEkqO", "rOprNGfwEbeRWgbNEkqO", challenge)
    assert answer.endswith(",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00\x00\x00\x02\x00\x00",
        b"\x7f\xff\xff\xff" + bytes(100),
        b"\x00\x00\x00\x04\x00\x00\x00\x00",
        b"\x00\x00\x00\x0c" + bytes(12),  # no brokers
        b"\x00\x00\x00\x14" + bytes(11) + b"\x01" + bytes(4) + b"\x7f\xff\xff\xff",
        b"",
    ],
)
def test_nonsense_from_the_server_ends_as_an_error(
    make_transport: MakeTransport, answer: bytes
) -> None:
    def serve(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(1000)
            peer.sendall(answer)

    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=serve, args=[listener])
        thread.start()
        outcomes = Outcomes(make_transport(f"{HOST}:{listener.getsockname()[1]}", timeout_s=2))
        outcomes.start(message(1))
        assert outcomes.error(timeout=5).unreachable
        thread.join()


def test_dead_server_hides_no_living_one(
    make_tansu: MakeBroker, make_transport: MakeTransport
) -> None:
    with socket.create_server((HOST, 0)) as silent:
        servers = f"{HOST}:{free_port()},{HOST}:{silent.getsockname()[1]},{address(make_tansu())}"
        outcomes = Outcomes(make_transport(servers, timeout_s=5))
        outcomes.start(message(1))
        assert outcomes.delivered() == 1


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
