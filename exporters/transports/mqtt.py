"""MQTT 3.1.1 and 5: one connection, many messages under way, delivered when the broker says so."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from anpr_project.lib.text import PLAIN_PATTERN
from exporters.network import Network
from exporters.transports.base import Done, Message, Transport

Text = Annotated[str, Meta(pattern=PLAIN_PATTERN, max_length=512)]
Host = Annotated[str, Meta(pattern="^[A-Za-z0-9._:-]+$", max_length=253)]


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    host: Host
    port: Annotated[int, Meta(ge=1, le=65_535)] = 1883
    topic: Text = "anpr/{camera}/{plate}"
    qos: Literal[0, 1, 2] = 1
    retain: bool = False
    protocol: Literal["3.1.1", "5"] = "3.1.1"
    tls: bool = False
    ca_certificate: Annotated[str, Meta(max_length=65_536)] = ""
    client_id: Annotated[str, Meta(pattern=PLAIN_PATTERN, max_length=128)] = ""
    status_topic: Text = ""


class NoAuth(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="none"):
    pass


class BasicAuth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="basic"):
    username: Annotated[str, Meta(pattern=PLAIN_PATTERN, min_length=1, max_length=256)]
    password: Annotated[str, Meta(pattern=PLAIN_PATTERN, max_length=1024)]

    def __repr__(self) -> str:
        return "BasicAuth(...)"


class MqttTransport(Transport):
    Config = Config
    Auth = NoAuth | BasicAuth
    max_in_flight = 200

    def __init__(self, *, config: Any, auth: Any, timeout_s: float, network: Network) -> None:
        self.config, self.auth = config, auth
        self.timeout_s, self.network = timeout_s, network

    def start(self, message: Message, done: Done) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
