"""Delivers events as signed HTTP POST requests (standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import math
import re
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Annotated

import msgspec
from msgspec import Meta
from standardwebhooks import Webhook

from anpr_project import __version__
from anpr_project.lib.text import PLAIN_PATTERN, forbidden_character
from exporters.bounded_sockets import AnswerTooLong, tls_context
from exporters.network import AddressRefused, Network
from exporters.pinned_http import Answer, PinnedClient, Site
from exporters.transports.base import BlockingTransport, Message, Receipt, TransportError

# What a sink may ask for at most; the exporter would look dead for ever otherwise.
MAX_RETRY_AFTER_S = 86_400.0
MAYBE_LATER = {429, 502, 503, 504}
PREFIX = "whsec_"
OURS = {
    *("accept-encoding", "connection", "content-encoding", "content-length", "content-type"),
    *("expect", "host", "te", "trailer", "transfer-encoding", "upgrade", "user-agent"),
}
UNREACHABLE = "The sink cannot be reached."
# The first that fits.
FAILURES: list[tuple[type[Exception], str]] = [
    (ssl.SSLError, "The sink does not speak TLS, or no version of it that is safe."),
    (ConnectionRefusedError, "The sink refused the connection."),
    (AnswerTooLong, "The answer of the sink is too long."),
    (ConnectionError, "The sink closed the connection without an answer."),
    (HTTPException, "The answer of the sink is not HTTP."),
]
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, token
_VISIBLE = re.compile(r"[\x20-\x7e]*")

Text = Annotated[str, Meta(min_length=1, max_length=1000, pattern=PLAIN_PATTERN)]
HeaderText = Annotated[str, Meta(max_length=4000)]


class Discreet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"  # URLs and headers hold tokens, too


class WebhookConfig(Discreet, frozen=True, forbid_unknown_fields=True):
    url: Annotated[str, Meta(min_length=1, max_length=2000, pattern=PLAIN_PATTERN)]
    headers: Annotated[dict[HeaderText, HeaderText], Meta(max_length=32)] = {}
    verify_tls: bool = True
    ca_certificate: Annotated[str, Meta(max_length=64_000)] = ""


class NoAuth(Discreet, frozen=True, forbid_unknown_fields=True, tag="none"):
    pass


class BasicAuth(Discreet, frozen=True, forbid_unknown_fields=True, tag="basic"):
    username: Text
    password: Text


class BearerAuth(Discreet, frozen=True, forbid_unknown_fields=True, tag="bearer"):
    token: Annotated[str, Meta(min_length=1, max_length=8000)]


class SignatureAuth(Discreet, frozen=True, forbid_unknown_fields=True, tag="signature"):
    """With a previous secret every message has two signatures, so that the sink may change over."""

    secret: Text
    previous_secret: Annotated[str, Meta(max_length=1000)] = ""


WebhookAuth = NoAuth | BasicAuth | BearerAuth | SignatureAuth


class WebhookTransport(BlockingTransport):
    """One POST a message; the status of the answer is the receipt."""

    Config = WebhookConfig
    Auth = WebhookAuth
    max_in_flight = 16

    @classmethod
    def check(cls, config: WebhookConfig, auth: WebhookAuth) -> None:
        try:
            Site.parse(config.url)
        except ValueError as error:
            raise ValueError(f"url: {error}") from None
        _check_headers(config.headers)
        if config.ca_certificate:
            try:
                tls_context(config.verify_tls, config.ca_certificate)
            except ValueError as error:
                raise ValueError(f"ca_certificate: {error}") from None
        _check_auth(auth)

    def __init__(
        self, *, config: WebhookConfig, auth: WebhookAuth, timeout_s: float, network: Network
    ) -> None:
        super().__init__(config=config, auth=auth, timeout_s=timeout_s, network=network)
        site = Site.parse(config.url)
        # Reading the system's authorities takes 20 ms.
        tls = site.scheme == "https"
        context = tls_context(config.verify_tls, config.ca_certificate) if tls else None
        self._client = PinnedClient(site, context, network)
        self._signers = _signers(auth)
        self._headers = {
            "Content-Type": "application/json",
            "User-Agent": f"ANPR-Cloud/{__version__}",
            **_authorization(auth),
            **config.headers,
        }

    def send(self, message: Message) -> Receipt:
        headers = self._headers | _stamped(message, self._signers, datetime.now(UTC))
        try:
            answer = self._client.post(message.body, headers, self.timeout_s)
        except (AddressRefused, OSError, HTTPException) as error:
            if self._client.closed:
                raise TransportError("The worker ended before the sink answered.") from None
            text = _failure(error, self.timeout_s)
            # Not chained: a traceback would repeat what the sink said.
            raise TransportError(text, unreachable=True) from None
        return _judged(answer)

    def close(self) -> None:
        super().close()
        self._client.close()


def _check_headers(headers: dict[str, str]) -> None:
    seen: set[str] = set()
    for name, value in headers.items():
        lower = name.lower()
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError("headers: a name is not one of HTTP")
        if lower == "authorization":
            raise ValueError("headers: Authorization is set by auth")
        if lower in OURS or lower.startswith(("webhook-", "proxy-")):
            raise ValueError(f"headers: {name} is set by the exporter itself")
        if lower in seen:
            raise ValueError(f"headers: {name} comes twice")
        if not _VISIBLE.fullmatch(value):
            raise ValueError(f"headers: the value of {name} holds more than visible ASCII")
        seen.add(lower)


def _check_auth(auth: WebhookAuth) -> None:
    match auth:
        case BasicAuth(username=username, password=password):
            if ":" in username:
                raise ValueError("auth.username: must not hold a colon")
            if forbidden_character(username + password):
                raise ValueError("auth.password: username or password hold a control character")
        case BearerAuth(token=token):
            if " " in token or not _VISIBLE.fullmatch(token):
                raise ValueError("auth.token: holds more than visible ASCII")
        case SignatureAuth(secret=secret, previous_secret=previous):
            _check_secret("auth.secret", secret)
            if previous:
                _check_secret("auth.previous_secret", previous)


def _check_secret(field: str, secret: str) -> None:
    encoded = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError(f"{field}: must be {PREFIX} and the Base64 of 24 to 64 random bytes")


def _authorization(auth: WebhookAuth) -> dict[str, str]:
    match auth:
        case BasicAuth(username=username, password=password):
            pair = base64.b64encode(f"{username}:{password}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        case BearerAuth(token=token):
            return {"Authorization": f"Bearer {token}"}
    return {}


def _signers(auth: WebhookAuth) -> list[Webhook]:
    if not isinstance(auth, SignatureAuth):
        return []
    return [Webhook(secret) for secret in (auth.secret, auth.previous_secret) if secret]


def _stamped(message: Message, signers: list[Webhook], now: datetime) -> dict[str, str]:
    """Return the headers of Standard Webhooks; `now` is the time of this attempt (in UTC)."""
    headers = {"webhook-id": message.id, "webhook-timestamp": str(math.floor(now.timestamp()))}
    if signers:
        body = message.body.decode()
        signatures = [signer.sign(message.id, now, body) for signer in signers]
        headers["webhook-signature"] = " ".join(signatures)
    return headers


def _judged(answer: Answer) -> Receipt:
    """Return the receipt for 2xx; the body plays no part and is never shown."""
    status = answer.status
    if 200 <= status < 300:
        return Receipt(status)
    if 300 <= status < 400:
        raise TransportError(f"The sink answered {status}: redirect not followed.", code=status)
    if status == 410:
        raise TransportError("The sink answered 410: it is gone.", code=status, gone=True)
    raise TransportError(
        f"The sink answered {status}.",
        code=status,
        unreachable=status >= 500,
        retry_after=_seconds(answer.retry_after) if status in MAYBE_LATER else None,
    )


def _seconds(retry_after: str | None) -> float | None:
    """Read Retry-After, which is a number of seconds or a date; None if it is neither."""
    text = (retry_after or "").strip()
    if re.fullmatch(r"[0-9]{1,20}", text):
        return min(float(text), MAX_RETRY_AFTER_S)
    try:
        # "-0000" says: no zone; HTTP dates are always in UTC.
        date = parsedate_to_datetime(text).replace(tzinfo=UTC)
    except (ValueError, IndexError, OverflowError):
        return None
    return min(max((date - datetime.now(UTC)).total_seconds(), 0.0), MAX_RETRY_AFTER_S)


def _failure(error: Exception, timeout_s: float) -> str:
    if isinstance(error, AddressRefused):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"The sink did not answer within {timeout_s:g} s."
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate of the sink is not trusted: {error.verify_message}"
    return next((text for kind, text in FAILURES if isinstance(error, kind)), UNREACHABLE)
