"""The Kafka transport against librdkafka's mock cluster, and Tansu, which shares no code with it."""

from __future__ import annotations

import re

import pytest
from confluent_kafka import KafkaError

from anpr_project.lib.tests.ports import HOST, free_port
from exporters.network import Network
from exporters.tests.kafka_peers import (
    Gateway,
    MakeBroker,
    MakeTransport,
    address,
    consume,
    header,
    make_tansu,
    make_transport,
    mock_cluster,
)
from exporters.tests.outcomes import Outcomes, message, wait_until
from exporters.transports.base import Receipt, TransportError

__all__ = ["make_tansu", "make_transport", "mock_cluster"]  # the fixtures


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
        outcomes.start(message(0))
        assert outcomes.delivered() == 1
        for number in range(1, 5000):
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


def test_unexpected_failure_is_logged_and_reported(
    make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Network, "resolve_listed", lambda *_: 1 / 0)
    outcomes = Outcomes(make_transport(f"{HOST}:1"))
    outcomes.start(message(1))
    assert outcomes.error(timeout=3).unreachable
    assert "ZeroDivisionError" in caplog.text
