"""The MQTT transport against real brokers: rumqttd always, mosquitto where it is installed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exporters.tests.brokers import (
    MOSQUITTO,
    PASSWORD,
    USER,
    Broker,
    Certificates,
    iotcore_broker,
    make_certificates,
    mosquitto_broker,
)
from exporters.tests.mqtt_peers import Listener, MakeTransport, make_transport
from exporters.tests.outcomes import Outcomes, message
from exporters.transports.base import Receipt, TransportError
from exporters.transports.mqtt_config import BasicAuth

__all__ = ["make_transport"]  # the fixture
KINDS = ["iotcore", "mosquitto"] if MOSQUITTO else ["iotcore"]
PROTOCOLS = ["3.1.1", "5"]
MakeBroker = Callable[..., Broker]


@pytest.fixture(params=KINDS)
def make_broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeBroker]:
    brokers: list[Broker] = []

    def make(protocol: str, **options: Any) -> Broker:
        if request.param == "iotcore":
            broker = iotcore_broker(tmp_path, protocol, **options)
        else:
            limit = ("max_packet_size 102400",)  # as rumqttd's
            broker = mosquitto_broker(tmp_path, settings=limit, **options)
        brokers.append(broker)
        broker.start()
        return broker

    yield make
    for broker in brokers:
        broker.stop()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_messages_arrive_unchanged_at_their_topics(
    make_broker: MakeBroker, make_transport: MakeTransport, protocol: str, qos: int
) -> None:
    broker = make_broker(protocol)
    with Listener(broker, protocol) as listener:
        outcomes = Outcomes(make_transport(broker, protocol=protocol, qos=qos))
        outcomes.start(*(message(number, plate=f"AB{number}") for number in range(300)))
        assert outcomes.delivered() == 300
        listener.bodies(300)
    assert {(each.topic, each.body) for each in listener.heard} == {
        (f"anpr/3/AB{number}", f"body-{number}".encode()) for number in range(300)
    }
    assert len(listener.heard) == 300


def test_version_5_tells_the_message_id_and_the_content_type(
    make_broker: MakeBroker, make_transport: MakeTransport
) -> None:
    broker = make_broker("5")
    with Listener(broker, "5") as listener:
        outcomes = Outcomes(make_transport(broker, protocol="5"))
        outcomes.start(message(7))
        assert outcomes.delivered() == 1
        listener.bodies(1)
    properties = listener.heard[0].properties
    assert properties.ContentType == "application/json"
    assert ("message_id", "message-7") in properties.UserProperty


def test_retained_message_reaches_who_comes_later(
    make_broker: MakeBroker, make_transport: MakeTransport
) -> None:
    broker = make_broker("3.1.1")
    outcomes = Outcomes(make_transport(broker, retain=True))
    outcomes.start(message(1))
    assert outcomes.delivered() == 1
    with Listener(broker, "3.1.1") as late:
        assert late.bodies(1) == [b"body-1"]
    assert late.heard[0].retain


def test_hostile_plates_harm_nobody(make_broker: MakeBroker, make_transport: MakeTransport) -> None:
    hostile = ["a/b", "+", "#", "$SYS/x", "AB\x00C", "AB\nC", "", "Ä" * 40_000, "\ufffe", "{plate}"]
    broker = make_broker("3.1.1")
    with Listener(broker, "3.1.1") as listener:
        outcomes = Outcomes(make_transport(broker, topic="{plate}"))
        for number in range(1000):
            plate = hostile[number // 100] if number % 100 == 50 else f"AB{number}"
            outcomes.start(message(number, plate=plate))
        assert outcomes.delivered() == 1000
        assert len(listener.bodies(1000)) == 1000
    odd = {each.topic for each in listener.heard if not each.topic.startswith("AB")}
    assert len(odd) == len(hostile)
    assert all(re.fullmatch("_[0-9a-f]{12}", topic) for topic in odd)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_message_too_large_for_the_broker_is_found_among_good_ones(
    make_broker: MakeBroker, make_transport: MakeTransport, protocol: str
) -> None:
    outcomes = Outcomes(make_transport(make_broker(protocol), protocol=protocol))
    for number in range(1000):
        body = bytes(200_000) if number == 500 else b""
        outcomes.start(message(number, body=body))
    found = outcomes.all()
    errors = [outcome for outcome in found if isinstance(outcome, TransportError)]
    assert found[500] in errors
    assert [error.permanent for error in errors] == [True]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_right_password_opens_and_a_wrong_one_is_told_without_it(
    make_broker: MakeBroker, make_transport: MakeTransport, protocol: str
) -> None:
    broker = make_broker(protocol, password=True)
    right = BasicAuth(username=USER, password=PASSWORD)
    outcomes = Outcomes(make_transport(broker, protocol=protocol, auth=right))
    outcomes.start(message(1))
    assert outcomes.delivered() == 1

    wrong = BasicAuth(username=USER, password="wrong-password")
    outcomes = Outcomes(make_transport(broker, protocol=protocol, auth=wrong))
    outcomes.start(message(1), message(2))
    error = outcomes.error()
    assert error.unreachable
    assert not error.permanent
    # rumqttd only cuts the connection.
    assert re.search("Not authorized|user name and password", str(error))
    assert "wrong-password" not in f"{error} {wrong}"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tls_trusts_the_given_authority_alone_and_checks_the_name(
    make_broker: MakeBroker,
    make_transport: MakeTransport,
    certificates: Certificates,
    protocol: str,
) -> None:
    broker = make_broker(protocol, tls=certificates)
    config = {"tls": True, "protocol": protocol}
    own = {"ca_certificate": certificates.authority}

    outcomes = Outcomes(make_transport(broker, host="localhost", **own, **config))
    outcomes.start(*map(message, range(300)))
    assert outcomes.delivered() == 300

    outcomes = Outcomes(make_transport(broker, host="localhost", **config))
    outcomes.start(message(1))
    assert "certificate is not accepted" in str(outcomes.error())

    # The certificate is for another name.
    outcomes = Outcomes(make_transport(broker, **own, **config))
    outcomes.start(message(1))
    error = outcomes.error()
    assert "certificate is not accepted" in str(error)
    assert error.unreachable


def test_tls_towards_a_broker_without_it_is_told(
    make_broker: MakeBroker, make_transport: MakeTransport
) -> None:
    outcomes = Outcomes(make_transport(make_broker("3.1.1"), tls=True, timeout_s=2))
    outcomes.start(message(1))
    assert outcomes.error().unreachable


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_status_topic_tells_online_and_offline(
    make_broker: MakeBroker, make_transport: MakeTransport, protocol: str
) -> None:
    broker = make_broker(protocol)
    with Listener(broker, protocol, topic="status") as listener:
        transport = make_transport(broker, protocol=protocol, status_topic="status")
        outcomes = Outcomes(transport)
        outcomes.start(message(1))
        assert outcomes.delivered() == 1
        assert listener.bodies(1) == [b"online"]
        transport.close()
        assert listener.bodies(2) == [b"online", b"offline"]


@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_broker_killed_and_restarted_in_time_costs_no_message(
    make_broker: MakeBroker, make_transport: MakeTransport, protocol: str, qos: int
) -> None:
    broker = make_broker(protocol)
    outcomes = Outcomes(make_transport(broker, protocol=protocol, qos=qos))
    for number in range(3000):
        if number in (1000, 2000):
            broker.kill()
            broker.start()
        outcomes.start(message(number))
    assert outcomes.delivered() == 3000


def test_broker_that_stays_away_is_reported_when_the_time_is_up(
    make_broker: MakeBroker, make_transport: MakeTransport
) -> None:
    broker = make_broker("3.1.1")
    outcomes = Outcomes(make_transport(broker, timeout_s=1.5))
    outcomes.start(*map(message, range(100)))
    assert outcomes.delivered() == 100
    broker.kill()
    outcomes.start(*map(message, range(100, 150)))
    errors = outcomes.all(timeout=4)[100:]
    assert {str(error) for error in errors} == {"The broker's host refused the connection."}
    # And back again.
    broker.start()
    outcomes.start(*map(message, range(200, 250)))
    assert {type(outcome).__name__ for outcome in outcomes.all()[150:]} == {"Receipt"}


def test_silent_broker_is_reported_and_left(
    make_broker: MakeBroker, make_transport: MakeTransport
) -> None:
    broker = make_broker("3.1.1")
    outcomes = Outcomes(make_transport(broker, timeout_s=1))
    outcomes.start(message(1))
    assert outcomes.delivered() == 1
    broker.freeze()
    outcomes.start(message(2))
    error = outcomes.error(timeout=3)
    assert error.unreachable
    broker.kill()
    broker.start()
    outcomes.start(message(3))
    assert isinstance(outcomes.all()[-1], Receipt)


def test_close_reports_what_is_under_way(
    make_broker: MakeBroker, make_transport: MakeTransport
) -> None:
    broker = make_broker("3.1.1")
    transport = make_transport(broker)
    outcomes = Outcomes(transport)
    outcomes.start(message(1))
    assert outcomes.delivered() == 1
    broker.freeze()
    outcomes.start(*map(message, range(2, 100)))
    transport.close()
    transport.close()
    outcomes.start(message(100))
    errors = outcomes.all(timeout=1)[1:]
    assert len(errors) == 99
    assert {getattr(error, "unreachable", None) for error in errors} == {True}
