"""How an MQTT exporter is configured."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from anpr_project.lib.text import PLAIN_PATTERN
from exporters.bounded_sockets import tls_context
from exporters.transports.topics import check_topic, check_topic_template

Text = Annotated[str, Meta(pattern=PLAIN_PATTERN, max_length=512)]
Name = Annotated[str, Meta(pattern=PLAIN_PATTERN, min_length=1, max_length=256)]
Secret = Annotated[str, Meta(pattern=PLAIN_PATTERN, max_length=1024)]
Certificates = Annotated[str, Meta(pattern=r"^[\t\n\r -~]*$", max_length=65_536)]


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`client_id`, if set, must be used by this exporter alone, and by one worker: brokers cut the
    connection of the first when a second one takes its name. `status_topic`, if set, holds
    "online" while connected and "offline" else (a retained last will)."""

    host: Annotated[str, Meta(pattern="^[A-Za-z0-9._:-]+$", max_length=253)]
    port: Annotated[int, Meta(ge=1, le=65_535)] = 1883
    topic: Text = "anpr/{camera}/{plate}"
    qos: Literal[0, 1, 2] = 1
    retain: bool = False
    protocol: Literal["3.1.1", "5"] = "3.1.1"
    tls: bool = False
    ca_certificate: Certificates = ""
    client_id: Annotated[str, Meta(pattern=PLAIN_PATTERN, max_length=128)] = ""
    status_topic: Text = ""


class NoAuth(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="none"):
    pass


class BasicAuth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="basic"):
    username: Name
    password: Secret

    def __repr__(self) -> str:
        return "BasicAuth(...)"


def check(config: Config) -> None:
    """Raise ValueError("field: problem") for what the types cannot refuse."""
    _check("topic", check_topic_template, config.topic)
    if config.status_topic:
        _check("status_topic", check_topic, config.status_topic)
    if config.ca_certificate:
        if not config.tls:
            raise ValueError("ca_certificate: has no use without tls.")
        _check("ca_certificate", partial(tls_context, True), config.ca_certificate)


def _check(field: str, check: Callable[[str], object], text: str) -> None:
    try:
        check(text)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None
