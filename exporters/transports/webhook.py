"""Delivers events as signed HTTP POST requests (standardwebhooks.com)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from anpr_project.lib.text import PLAIN_PATTERN
from exporters.transports.base import BlockingTransport, Message, Receipt, TransportError

Text = Annotated[str, Meta(min_length=1, max_length=2000, pattern=PLAIN_PATTERN)]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: Text
    headers: dict[str, str] = {}
    verify_tls: bool = True
    ca_certificate: str = ""


class NoAuth(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="none"):
    pass


class BasicAuth(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="basic"):
    username: Text
    password: Text


class BearerAuth(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="bearer"):
    token: Text


class SignatureAuth(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="signature"):
    secret: Text
    previous_secret: str = ""


class WebhookTransport(BlockingTransport):
    """One POST a message; the answer's status is the receipt."""

    Config = Config
    Auth = NoAuth | BasicAuth | BearerAuth | SignatureAuth
    max_in_flight = 16

    def send(self, message: Message) -> Receipt:
        raise TransportError("This version does not send webhooks yet.")
