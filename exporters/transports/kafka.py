"""Kafka: an idempotent producer, delivered when all in-sync replicas have the message."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from anpr_project.lib.text import PLAIN_PATTERN
from exporters.network import Network
from exporters.transports.base import Done, Message, Transport


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    bootstrap_servers: Annotated[str, Meta(pattern=PLAIN_PATTERN, min_length=1, max_length=1024)]
    topic: Annotated[str, Meta(pattern=PLAIN_PATTERN, max_length=249)]
    key: Literal["plate", "camera", "sensor"] = "plate"
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "none"
    tls: bool = False
    ca_certificate: Annotated[str, Meta(max_length=65_536)] = ""


class NoAuth(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="none"):
    pass


class SaslAuth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="sasl"):
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
    username: Annotated[str, Meta(pattern=PLAIN_PATTERN, min_length=1, max_length=256)]
    password: Annotated[str, Meta(pattern=PLAIN_PATTERN, max_length=1024)]

    def __repr__(self) -> str:
        return "SaslAuth(...)"


class KafkaTransport(Transport):
    Config = Config
    Auth = NoAuth | SaslAuth
    max_in_flight = 2000

    def __init__(self, *, config: Any, auth: Any, timeout_s: float, network: Network) -> None:
        self.config, self.auth = config, auth
        self.timeout_s, self.network = timeout_s, network

    def start(self, message: Message, done: Done) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
