"""How a Kafka exporter is configured, and what librdkafka is told of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from confluent_kafka import KafkaException, Producer
from msgspec import Meta

from anpr_project.lib.text import PLAIN_PATTERN
from exporters.bounded_sockets import tls_context
from exporters.transports.topics import check_kafka_topic

MAX_SERVERS = 20
# How many bytes travel together. Brokers refuse a batch as a whole: only a message that is larger
# than this is sure to have been refused for its own size.
BATCH_BYTES = 64 * 1024
LINGER_MS = 5
_server = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(:(?P<port>[0-9]{1,5}))?")
Name = Annotated[str, Meta(pattern=PLAIN_PATTERN, min_length=1, max_length=256)]
Secret = Annotated[str, Meta(pattern=PLAIN_PATTERN, max_length=1024)]


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`bootstrap_servers`: host:port, several with commas. Brokers tell of further addresses, and
    librdkafka connects to those by itself. Therefore all must be in EXPORT_ALLOW_NETWORKS, and
    they are judged when the connection opens. What remains: a broker inside those networks that
    tells librdkafka something else than it told us, or later."""

    bootstrap_servers: Annotated[str, Meta(pattern=PLAIN_PATTERN, min_length=1, max_length=1024)]
    topic: Annotated[str, Meta(pattern=PLAIN_PATTERN, max_length=249)]
    key: Literal["plate", "camera", "sensor"] = "plate"
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "none"
    tls: bool = False
    ca_certificate: Annotated[str, Meta(pattern=r"^[\t\n\r -~]*$", max_length=65_536)] = ""


class NoAuth(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="none"):
    pass


class SaslAuth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="sasl"):
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
    username: Name
    password: Secret

    def __repr__(self) -> str:
        return "SaslAuth(...)"


def parse_servers(text: str) -> list[tuple[str, int]]:
    """Return hosts and ports; ValueError for anything but host:port with commas between."""
    servers = []
    for part in text.split(","):
        found = _server.fullmatch(part.strip())
        port = int(found["port"] or 9092) if found else 0
        if not found or not 1 <= port <= 65_535:
            raise ValueError("must be host:port, several with commas between.")
        servers.append((found["host"].strip("[]"), port))
    if len(servers) > MAX_SERVERS:
        raise ValueError(f"must not be more than {MAX_SERVERS}.")
    return servers


def settings_of(config: Config, auth: NoAuth | SaslAuth, timeout_s: float) -> dict[str, Any]:
    """Return what librdkafka is to be told."""
    with_sasl = isinstance(auth, SaslAuth)
    settings: dict[str, Any] = {
        "bootstrap.servers": config.bootstrap_servers,
        "security.protocol": ("sasl_" if with_sasl else "")
        + ("ssl" if config.tls else "plaintext"),
        "client.id": "anpr",
        "enable.idempotence": True,
        "acks": "all",
        "compression.type": config.compression,
        "delivery.timeout.ms": round(timeout_s * 1000),
        "request.timeout.ms": round(timeout_s * 1000),
        "linger.ms": LINGER_MS,
        "batch.size": BATCH_BYTES,
        "reconnect.backoff.max.ms": 2000,
        "log_level": 2,
    }
    if config.tls and config.ca_certificate:
        settings["ssl.ca.pem"] = config.ca_certificate
    if isinstance(auth, SaslAuth):
        settings |= {
            "sasl.mechanism": auth.mechanism,
            "sasl.username": auth.username,
            "sasl.password": auth.password,
        }
    return settings


def check(config: Config) -> None:
    """Raise ValueError("field: problem") for what the types cannot refuse."""
    _check("topic", check_kafka_topic, config.topic)
    _check("bootstrap_servers", parse_servers, config.bootstrap_servers)
    if config.ca_certificate:
        if not config.tls:
            raise ValueError("ca_certificate: has no use without tls.")
        _check("ca_certificate", _check_certificate, config.ca_certificate)


def _check(field: str, check: Callable[[str], object], text: str) -> None:
    try:
        check(text)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None


def _check_certificate(text: str) -> None:
    tls_context(True, text)
    try:
        Producer({"security.protocol": "ssl", "ssl.ca.pem": text, "log_level": 0})
    except KafkaException:
        raise ValueError("is not a certificate in PEM format") from None
