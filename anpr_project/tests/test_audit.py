"""The audit of pinned packages: a finding fails it, and only a service out of reach is let pass."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.conf import settings

from anpr_project.lib.tests.ports import free_port

KNOWN_WEAK = {
    "id": "TEST-1",
    "aliases": [],
    "summary": "It breaks.",
    "modified": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "six", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.9"}]}],
        }
    ],
}


class Advisories(BaseHTTPRequestHandler):
    """Knows a weakness of one package; is out of order for another."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = asked["package"]["name"]
        content = json.dumps({"vulns": [KNOWN_WEAK]} if name == "six" else {}).encode()
        self.send_response(500 if name == "broken" else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Advisories)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def audit(folder: Path, service: str, package: str) -> subprocess.CompletedProcess[str]:
    file = folder / "requirements.txt"
    file.write_text(f"{package}==1.0 --hash=sha256:{'0' * 64}\n")
    tool = Path(sys.executable).with_name("pip-audit")
    return subprocess.run(
        [str(settings.BASE_DIR / ".ci/audit"), str(tool), str(file)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "OSV_URL": service},
        capture_output=True,
        text=True,
        check=False,
    )


def test_known_weakness_fails(tmp_path: Path, service: str) -> None:
    result = audit(tmp_path, service, "six")

    assert result.returncode != 0
    assert "TEST-1" in result.stdout


def test_nothing_known_passes(tmp_path: Path, service: str) -> None:
    result = audit(tmp_path, service, "sound")

    assert result.returncode == 0
    assert "No known vulnerabilities" in result.stdout


def test_service_that_is_out_of_order_fails(tmp_path: Path, service: str) -> None:
    assert audit(tmp_path, service, "broken").returncode != 0


def test_service_out_of_reach_passes_and_says_that_nothing_was_compared(tmp_path: Path) -> None:
    result = audit(tmp_path, f"http://127.0.0.1:{free_port()}", "six")

    assert result.returncode == 0
    assert "NOT AUDITED" in result.stderr
