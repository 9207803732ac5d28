"""Whom the MQTT transport connects to, and which settings it refuses."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from anpr_project.lib.tests.ports import HOST, free_port
from exporters.network import Network
from exporters.tests.mqtt_peers import (
    MakeTransport,
    ScriptedBroker,
    make_transport,
    usual,
)
from exporters.tests.outcomes import Outcomes, message
from exporters.transports.mqtt import MqttTransport
from exporters.transports.mqtt_config import Config, NoAuth

__all__ = ["make_transport"]  # the fixture


def test_broker_that_never_welcomes_is_reported_in_time(make_transport: MakeTransport) -> None:
    with ScriptedBroker(lambda heard: b"") as broker:
        outcomes = Outcomes(make_transport(broker, timeout_s=0.5))
        outcomes.start(message(1))
        error = outcomes.error(timeout=1.5)
    assert "did not answer in time" in str(error)
    assert error.unreachable


def test_handshake_that_drips_is_reported_in_time(make_transport: MakeTransport) -> None:
    def drip(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            try:
                for byte in b"\x16\x03\x03\x40\x00" + bytes(1000):
                    peer.sendall(bytes([byte]))
                    time.sleep(0.05)
            except OSError:
                return

    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=drip, args=[listener])
        thread.start()
        port = listener.getsockname()[1]
        with ScriptedBroker(usual) as any_broker:
            outcomes = Outcomes(make_transport(any_broker, port=port, tls=True, timeout_s=0.5))
        outcomes.start(message(1))
        assert "did not answer in time" in str(outcomes.error(timeout=1.5))
        thread.join()


def test_closed_port_is_told_at_once(make_transport: MakeTransport) -> None:
    with ScriptedBroker(usual) as broker:
        outcomes = Outcomes(make_transport(broker, port=free_port()))
        outcomes.start(message(1))
        error = outcomes.error(timeout=2)
    assert str(error) == "The broker's host refused the connection."
    assert error.unreachable


@pytest.mark.parametrize("host", [HOST, "localhost", "2130706433", "no-such-host.invalid"])
def test_address_that_is_not_allowed_sees_no_connection(
    make_transport: MakeTransport, host: str
) -> None:
    with ScriptedBroker(usual) as broker:
        outcomes = Outcomes(make_transport(broker, host=host, network=Network([])))
        outcomes.start(message(1))
        error = outcomes.error()
        assert broker.connections == 0
    assert "may not be reached, or is unknown" in str(error)
    assert error.unreachable


def test_name_is_looked_up_once(
    make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = []
    genuine = socket.getaddrinfo

    def look_up(host: str, port: int, *rest: Any, **options: Any) -> Any:
        looked_up.append(host)
        return genuine(HOST, port, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with ScriptedBroker(usual) as broker:
        outcomes = Outcomes(make_transport(broker, host="broker.example"))
        outcomes.start(message(1))
        assert outcomes.delivered() == 1
    assert looked_up.count("broker.example") == 1


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"topic": "$SYS/broker"}, "topic: "),
        ({"topic": ""}, "topic: "),
        ({"topic": "{make}"}, "topic: "),
        ({"status_topic": "a/#"}, "status_topic: "),
        ({"status_topic": "$SYS/x"}, "status_topic: "),
        ({"ca_certificate": "x"}, "ca_certificate: "),
        ({"ca_certificate": "x", "tls": True}, "ca_certificate: "),
        ({"ca_certificate": "ä", "tls": True}, "ca_certificate: "),
        ({"ca_certificate": "/etc/passwd", "tls": True}, "ca_certificate: "),
    ],
    ids=str,
)
def test_bad_configuration_is_refused_by_field(config: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}"):
        MqttTransport.check(Config(**{"host": HOST} | config), NoAuth())
