from __future__ import annotations

import socket
import threading

import pytest

from exporters.tests.sinks import Authority, Sink
from exporters.tests.webhooks import MESSAGE, Webhooks, failure_of


def test_trusts_its_own_authority(webhook: Webhooks, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, 1, 6, "", ("127.0.0.1", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    authority = Authority()
    hosts = ["127.0.0.1", "sink.example", "sink.example."]
    with Sink(context=authority.server_context("127.0.0.1", "sink.example")) as sink:
        for host in hosts:
            sender = webhook(f"https://{host}:{sink.port}/", ca_certificate=authority.pem)
            assert sender.send(MESSAGE).code == 204
    seen = [request.headers["host"] for request in sink.requests]
    assert seen == [f"{host}:{sink.port}" for host in hosts]


def test_a_tls_connection_is_used_again(webhook: Webhooks) -> None:
    authority = Authority()
    with Sink(context=authority.server_context("127.0.0.1")) as sink:
        sender = webhook(sink.url, ca_certificate=authority.pem)
        for _ in range(5):
            sender.send(MESSAGE)
        assert sink.connections == 1


@pytest.mark.parametrize("names", [["127.0.0.9"], ["sink.example"], ["*.0.0.1"]])
def test_a_certificate_for_another_host_is_refused(names: list[str], webhook: Webhooks) -> None:
    authority = Authority()
    with Sink(context=authority.server_context(*names)) as sink:
        failure = failure_of(webhook(sink.url, ca_certificate=authority.pem))
        assert "certificate of the sink is not trusted: IP address mismatch" in str(failure)
        assert failure.unreachable
        assert sink.requests == []


def test_an_unknown_authority_is_refused(webhook: Webhooks) -> None:
    with Sink(context=Authority().server_context("127.0.0.1")) as sink:
        for trusted in ("", Authority().pem):
            failure = failure_of(webhook(sink.url, ca_certificate=trusted))
            assert "certificate of the sink is not trusted" in str(failure)
        assert sink.requests == []


def test_verification_can_be_switched_off(webhook: Webhooks) -> None:
    with Sink(context=Authority().server_context("elsewhere.example")) as sink:
        assert webhook(sink.url, verify_tls=False).send(MESSAGE).code == 204


def test_a_sink_without_tls_is_a_clear_failure(webhook: Webhooks) -> None:
    def greet(listener: socket.socket) -> None:
        with listener.accept()[0] as connection:
            connection.sendall(b"220 mail.example ESMTP\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=greet, args=[listener])
        thread.start()
        failure = failure_of(webhook(f"https://127.0.0.1:{listener.getsockname()[1]}/"))
        thread.join()
    assert "does not speak TLS" in str(failure)
    assert failure.unreachable
