from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from websockets.sync.client import connect
from websockets.sync.server import Server, ServerConnection
from websockets.sync.server import serve as serve_websockets
from websockets.typing import Origin

from anpr_project.lib.content_policy import HEADERS
from anpr_project.lib.tests.ports import free_port
from anpr_project.tests.servers import wait_for_port

ORIGIN = Origin("http://127.0.0.1")


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked: path, headers and size of the body."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        received = len(self.rfile.read(size))
        if received < size:
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        content = json.dumps({"path": self.path, "headers": headers, "size": received}).encode()
        self.send_response(200)
        if self.path.startswith("/broken"):
            self.close_connection = True
            self.send_header("Content-Length", str(len(content) + 100))
        else:
            self.send_header("Content-Length", str(len(content)))
        self.send_header("Server", "secret/1.0")
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def echo_server(port: int = 0) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", port), Echo)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def echo_socket() -> Iterator[int]:
    def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        connection.send(json.dumps(dict(connection.request.headers.raw_items())))
        for message in connection:
            connection.send(message)

    server: Server = serve_websockets(handle, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield int(server.socket.getsockname()[1])
    finally:
        server.shutdown()
        thread.join()


@dataclass
class Proxy:
    site: str
    metrics: str
    api_port: int
    log: Path

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.site + path, headers=headers, timeout=10)


@contextmanager
def caddy(folder: Path, api: int, stream: int, **extra: str) -> Iterator[Proxy]:
    site, metrics, log = free_port(), free_port(), folder / "caddy.log"
    environment = {
        "HOME": str(folder),
        "SITE_ADDRESS": f"http://127.0.0.1:{site}",
        "METRICS_ADDRESS": f"http://127.0.0.1:{metrics}",
        "API_UPSTREAM": f"127.0.0.1:{api}",
        "STREAM_UPSTREAM": f"127.0.0.1:{stream}",
        # The worker has nothing but its metrics: the stand-in of the API will do.
        "WORKER_UPSTREAM": f"localhost:{api}",
    }
    binary = Path(sys.executable).parent / "caddy"
    configuration = settings.BASE_DIR / "deploy" / "Caddyfile"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [binary, "run", "--adapter", "caddyfile", "--config", configuration],
            env=environment | extra,
            stderr=output,
        )
    try:
        wait_for_port(site)
        wait_for_port(metrics)
        yield Proxy(f"http://127.0.0.1:{site}", f"http://127.0.0.1:{metrics}", api, log)
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with ExitStack() as stack:
        api, stream = stack.enter_context(echo_server()), stack.enter_context(echo_socket())
        yield stack.enter_context(caddy(tmp_path_factory.mktemp("caddy"), api, stream))


@pytest.mark.parametrize("path", ["/", "/api/v1/events?plate=AB1*", "/api/v1/events/streams"])
def test_everything_else_goes_to_the_api(proxy: Proxy, path: str) -> None:
    response = proxy.get(path)
    assert response.status_code == 200
    assert response.json()["path"] == path
    assert "Server" not in response.headers


def test_websocket_goes_to_the_stream_with_its_query_and_cookies(proxy: Proxy) -> None:
    address = proxy.site.replace("http", "ws") + "/api/v1/events/stream?since=5"
    headers = {"Cookie": "sessionid=abc", "Authorization": "Token t", "X-Real-IP": "6.6.6.6"}
    with connect(address, additional_headers=headers, origin=ORIGIN) as stream:
        seen = {name.lower(): value for name, value in json.loads(stream.recv(30)).items()}
        assert (seen["cookie"], seen["authorization"]) == ("sessionid=abc", "Token t")
        assert seen["host"] == proxy.site.removeprefix("http://")
        assert seen["origin"] == ORIGIN
        assert "x-real-ip" not in seen
        stream.send("there and back")
        assert stream.recv(30) == "there and back"


def test_what_a_client_claims_about_itself_is_not_passed_on(proxy: Proxy) -> None:
    claimed = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Server": "evil",
        "X-Real-IP": "6.6.6.6",
        "Forwarded": "for=6.6.6.6;proto=https",
    }
    seen = proxy.get("/", **claimed).json()["headers"]
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
    assert seen["x-forwarded-host"] == seen["host"] == proxy.site.removeprefix("http://")
    assert not {name.lower() for name in list(claimed)[3:]} & set(seen)


def test_a_trusted_proxy_in_front_is_believed(tmp_path: Path) -> None:
    with (
        echo_server() as api,
        caddy(tmp_path, api, free_port(), TRUSTED_PROXIES="127.0.0.1/32") as proxy,
    ):
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
        seen = proxy.get("/", **headers).json()["headers"]
    assert seen["x-forwarded-proto"] == "https"
    assert seen["x-forwarded-for"] == "192.0.2.7, 127.0.0.1"


def test_body_of_nineteen_megabytes_passes_and_of_twentyone_is_refused(proxy: Proxy) -> None:
    passed = httpx.post(proxy.site + "/", content=b"x" * 19_000_000, timeout=20)
    assert passed.json()["size"] == 19_000_000
    refused = httpx.post(proxy.site + "/", content=b"x" * 21_000_000, timeout=20)
    assert refused.status_code == 413
    assert refused.headers["Content-Type"] == "application/json"
    assert refused.json() == {
        "code": "too_large",
        "message": "The body is too large.",
        "errors": [],
    }


@pytest.mark.parametrize(
    "path", ["/metrics", "/metrics/", "/metrics?x=1", "/%6Detrics", "//metrics"]
)
def test_metrics_are_not_on_the_public_address(proxy: Proxy, path: str) -> None:
    response = proxy.get(path)
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


def test_only_metrics_are_on_the_metrics_address(proxy: Proxy) -> None:
    metrics = httpx.get(proxy.metrics + "/metrics")
    assert metrics.json()["path"] == "/metrics"
    assert metrics.json()["headers"]["host"] == "localhost"
    # The stream's stand-in speaks only WebSocket, and says so.
    assert httpx.get(proxy.metrics + "/metrics/stream").status_code == 426
    worker = httpx.get(proxy.metrics + "/metrics/worker").json()
    assert worker["path"] == "/metrics"
    assert worker["headers"]["host"] != "localhost"
    for path in ("/", "/api/v1/events", "/metrics/x"):
        response = httpx.get(proxy.metrics + path)
        assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_api_that_is_away_is_a_json_error_with_a_time_to_retry(tmp_path: Path) -> None:
    with caddy(tmp_path, free_port(), free_port()) as proxy:
        for path in ("/api/v1/events", "/api/v1/events/stream"):
            response = proxy.get(path)
            assert response.status_code in {502, 503}
            assert response.headers["Retry-After"] == "2"
            assert response.json()["code"] == "unavailable"
            assert (
                HEADERS.items() <= {name.title(): v for name, v in response.headers.items()}.items()
            )


def test_log_of_an_error_holds_no_plate_and_no_token(proxy: Proxy) -> None:
    with pytest.raises(httpx.TransportError):
        proxy.get("/broken?plate=SECRET1", Authorization="Token SECRET2", Cookie="s=SECRET3")
    log = proxy.log.read_text()
    assert "/broken" in log
    assert "SECRET" not in log


def test_api_that_restarts_is_a_pause_even_for_a_post(tmp_path: Path) -> None:
    api = free_port()
    with caddy(tmp_path, api, free_port()) as proxy, ExitStack() as stack:
        later = threading.Timer(0.7, lambda: stack.enter_context(echo_server(api)))
        later.start()
        response = httpx.post(proxy.site + "/api/v1/events/ingest", content=b"event", timeout=10)
        later.join()
    assert (response.status_code, response.json()["size"]) == (200, 5)


def test_slow_body_keeps_no_thread_of_the_api(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as api:
        api.settimeout(0.5)
        port = int(api.getsockname()[1])
        with caddy(tmp_path, port, free_port()) as proxy:
            address = ("127.0.0.1", int(proxy.site.rpartition(":")[2]))
            with socket.create_connection(address) as client:
                head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{address[1]}\r\nContent-Length: 40000\r\n\r\n"
                client.sendall(head.encode() + b"x" * 39_999)
                with pytest.raises(TimeoutError):
                    api.accept()
                client.sendall(b"x")
                api.accept()[0].close()


def test_administration_of_the_proxy_is_off(proxy: Proxy) -> None:
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", 2019)) != 0
