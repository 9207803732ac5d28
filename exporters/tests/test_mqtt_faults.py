"""The MQTT transport and brokers that refuse, break, lie or fall silent."""

from __future__ import annotations

import re
import time

import pytest

from exporters.network import Network
from exporters.tests.mqtt_peers import (
    CONNACK,
    CONNECT,
    DISCONNECT,
    PUBACK,
    PUBLISH,
    PUBREC,
    MakeTransport,
    Packet,
    ScriptedBroker,
    connack_3,
    connack_5,
    make_transport,
    packet,
    usual,
)
from exporters.tests.outcomes import Outcomes, message, wait_until
from exporters.transports.base import Receipt, TransportError
from exporters.transports.mqtt_config import BasicAuth

__all__ = ["make_transport"]  # the fixture


@pytest.mark.parametrize(
    ("protocol", "connack", "words", "code"),
    [
        ("3.1.1", connack_3(4), "Bad user name or password", 134),
        ("3.1.1", connack_3(5), "Not authorized", 135),
        ("5", connack_5(134), "Bad user name or password", 134),
        ("5", connack_5(135), "Not authorized", 135),
        ("5", connack_5(138), "Banned", 138),
        ("5", connack_5(0, b"\x24\x00"), "QoS 1", None),
        ("5", connack_5(0, b"\x25\x00"), "retain", None),
    ],
)
def test_refused_connection_is_told_at_once(
    make_transport: MakeTransport, protocol: str, connack: bytes, words: str, code: int | None
) -> None:
    auth = BasicAuth(username="anpr", password="secret-canary")
    with ScriptedBroker(lambda heard: usual(heard, connack=connack)) as broker:
        outcomes = Outcomes(make_transport(broker, protocol=protocol, auth=auth, retain=True))
        outcomes.start(message(1))
        error = outcomes.error(timeout=3)
    assert re.search(words, str(error), re.IGNORECASE)
    assert error.unreachable
    assert not error.permanent
    assert error.code == code
    assert "secret-canary" not in f"{error}{auth}"


@pytest.mark.parametrize(
    ("answer", "qos", "code", "permanent"),
    [
        (PUBACK, 1, 135, False),
        (PUBACK, 1, 151, False),
        (PUBACK, 1, 144, True),
        (PUBACK, 1, 149, True),
        (PUBACK, 1, 153, True),
        (PUBREC, 2, 135, False),
        (PUBREC, 2, 149, True),
        (PUBACK, 1, 250, False),
    ],
)
def test_refused_message_fails_alone(
    make_transport: MakeTransport, answer: int, qos: int, code: int, permanent: bool
) -> None:
    def script(heard: Packet) -> bytes:
        if heard.kind == PUBLISH and b"bad" in heard.payload:
            return packet(answer, heard.mid + bytes([code]))
        return usual(heard, connack=connack_5(), qos=qos)

    with ScriptedBroker(script) as broker:
        outcomes = Outcomes(make_transport(broker, protocol="5", qos=qos))
        outcomes.start(message(1), message(2, body=b"bad"), message(3))
        first, second, third = outcomes.all()
    assert isinstance(first, Receipt)
    assert isinstance(third, Receipt)
    assert isinstance(second, TransportError)
    known = code if code < 200 else 128
    assert (second.code, second.permanent, second.unreachable) == (known, permanent, False)


@pytest.mark.parametrize("qos", [1, 2])
def test_message_that_breaks_the_connection_is_given_up_and_the_others_arrive(
    make_transport: MakeTransport, qos: int
) -> None:
    def script(heard: Packet) -> bytes | None:
        return None if b"poison" in heard.payload else usual(heard, qos=qos)

    started_at = time.monotonic()
    with ScriptedBroker(script) as broker:
        outcomes = Outcomes(make_transport(broker, qos=qos))
        for number in range(1001):
            outcomes.start(message(number, body=b"poison" if number == 300 else b""))
        found = outcomes.all()
        connections = broker.connections
    poison = found.pop(300)
    assert {type(outcome) for outcome in found} == {Receipt}
    assert isinstance(poison, TransportError)
    assert poison.permanent
    assert connections <= 5
    assert time.monotonic() - started_at < 25


def test_lone_message_that_breaks_the_connection_is_given_up(make_transport: MakeTransport) -> None:
    with ScriptedBroker(lambda heard: usual(heard) if heard.kind == CONNECT else None) as broker:
        outcomes = Outcomes(make_transport(broker))
        outcomes.start(message(1))
        assert outcomes.error().permanent
        assert broker.connections == 2


def test_connection_broken_once_or_by_a_namesake_condemns_no_message(
    make_transport: MakeTransport,
) -> None:
    answers = iter([None, *[packet(DISCONNECT, b"\x8e\x00")] * 2])

    def script(heard: Packet) -> bytes | None:
        if heard.kind == PUBLISH:
            return next(answers, usual(heard))
        return usual(heard, connack=connack_5())

    with ScriptedBroker(script) as broker:
        outcomes = Outcomes(make_transport(broker, protocol="5", client_id="shared"))
        outcomes.start(message(1))
        assert outcomes.delivered() == 1
        assert broker.connections == 4


def test_broken_idle_connection_is_made_anew_for_the_next_message(
    make_transport: MakeTransport,
) -> None:
    with ScriptedBroker(usual) as broker:
        outcomes = Outcomes(make_transport(broker))
        outcomes.start(message(1))
        assert outcomes.delivered() == 1
        broker.cut()
        outcomes.start(message(2))
        assert outcomes.delivered() == 2
        assert broker.connections == 2


def test_broker_that_cuts_the_connection_for_the_status_blames_no_message(
    make_transport: MakeTransport,
) -> None:
    def script(heard: Packet) -> bytes | None:
        return None if heard.payload == b"online" else usual(heard)

    with ScriptedBroker(script) as broker:
        outcomes = Outcomes(make_transport(broker, status_topic="status"))
        outcomes.start(message(1))
        error = outcomes.error()
    assert error.unreachable
    assert not error.permanent


def test_no_more_is_under_way_than_the_broker_allows(make_transport: MakeTransport) -> None:
    published = []

    def script(heard: Packet) -> bytes:
        if heard.kind == PUBLISH:
            published.append(heard)
            return b""
        return usual(heard, connack=connack_5(0, b"\x21\x00\x03"))

    with ScriptedBroker(script) as broker:
        transport = make_transport(broker, protocol="5")
        outcomes = Outcomes(transport)
        outcomes.start(*map(message, range(20)))
        wait_until(lambda: len(published) >= 3)
        time.sleep(0.2)
        assert len(published) == 3
        transport.close()
        assert len(outcomes.all(1)) == 20


def test_message_over_the_broker_s_limit_is_not_even_sent(make_transport: MakeTransport) -> None:
    connack = connack_5(0, b"\x27" + (1000).to_bytes(4, "big"))
    with ScriptedBroker(lambda heard: usual(heard, connack=connack)) as broker:
        outcomes = Outcomes(make_transport(broker, protocol="5"))
        outcomes.start(message(1), message(2, body=bytes(1000)))
        first, second = outcomes.all()
        assert broker.connections == 1
    assert isinstance(first, Receipt)
    assert isinstance(second, TransportError)
    assert second.permanent


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x00\xff\xff\xff\xff\xff",
        b"\x30\xff\xff\xff\x7f",  # 256 MB are said to follow
        packet(CONNACK, b""),
        packet(DISCONNECT, b"\xff"),
        packet(PUBLISH, b"\x00"),
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
)
@pytest.mark.parametrize("at", [CONNECT, PUBLISH])
def test_nonsense_from_the_broker_ends_as_an_error(
    make_transport: MakeTransport, nonsense: bytes, at: int
) -> None:
    def script(heard: Packet) -> bytes:
        return nonsense if heard.kind == at else usual(heard, connack=connack_5())

    with ScriptedBroker(script) as broker:
        outcomes = Outcomes(make_transport(broker, protocol="5", timeout_s=1))
        outcomes.start(message(1))
        outcomes.error(timeout=4)


def test_late_acknowledgement_is_ignored(make_transport: MakeTransport) -> None:
    def script(heard: Packet) -> bytes:
        if heard.payload == b"slow":
            time.sleep(1)
        return usual(heard)

    with ScriptedBroker(script) as broker:
        outcomes = Outcomes(make_transport(broker, timeout_s=0.6))
        outcomes.start(message(1))
        assert outcomes.delivered() == 1
        outcomes.start(message(2, body=b"slow"))
        error = outcomes.error()
        assert "acknowledge" in str(error)
        assert error.unreachable
        time.sleep(0.6)
        outcomes.start(message(3))
        assert isinstance(outcomes.all()[-1], Receipt)


def test_unexpected_failure_is_logged_and_reported(
    make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Network, "resolve", lambda *_: 1 / 0)
    with ScriptedBroker(usual) as broker:
        outcomes = Outcomes(make_transport(broker))
        outcomes.start(message(1))
        assert outcomes.error(timeout=3).unreachable
    assert "ZeroDivisionError" in caplog.text


def test_done_that_fails_harms_no_other_message(
    make_transport: MakeTransport, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(outcome: object) -> None:
        raise RuntimeError("a bug of the caller")

    with ScriptedBroker(usual) as broker:
        transport = make_transport(broker)
        transport.start(message(1), fail)
        outcomes = Outcomes(transport)
        outcomes.start(*map(message, range(2, 100)))
        assert outcomes.delivered() == 98
        assert broker.connections == 1
    assert "a bug of the caller" in caplog.text


def test_never_used_transport_closes(make_transport: MakeTransport) -> None:
    with ScriptedBroker(usual) as broker:
        transport = make_transport(broker)
        transport.close()
        outcomes = Outcomes(transport)
        outcomes.start(message(1))
        assert "Stopped" in str(outcomes.error(timeout=1))
        assert broker.connections == 0
