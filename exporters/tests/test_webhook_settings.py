from __future__ import annotations

from typing import Any

import msgspec
import pytest

from exporters.tests.sinks import Authority
from exporters.tests.webhooks import SECRET
from exporters.transports.webhook import (
    BasicAuth,
    BearerAuth,
    NoAuth,
    SignatureAuth,
    WebhookConfig,
    WebhookTransport,
)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"headers": {"": "x"}}, "headers"),
        *(
            ({"headers": {name: "x"}}, "headers")
            for name in (
                *("X Y", "X:", "X\r\nY", "Ü", "Host", "content-length", "Transfer-Encoding"),
                *("Authorization", "webhook-id", "Webhook-Signature", "Proxy-Authorization"),
                *("Connection", "Content-Type", "User-Agent", "Accept-Encoding"),
            )
        ),
        *(({"headers": {"X-A": value}}, "headers") for value in ("a\r\nb", "a\n", "\x00", "ä")),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "headers: x-a comes twice"),
        *(({"ca_certificate": text}, "ca_certificate") for text in ("x", "-----BEGIN", "ä")),
        ({"ca_certificate": "-----BEGIN PRIVATE KEY-----"}, "ca_certificate: holds a private key"),
    ],
)
def test_check_names_the_wrong_setting(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        WebhookTransport.check(WebhookConfig("https://sink.example/", **config), NoAuth())


@pytest.mark.parametrize(
    ("auth", "field"),
    [
        (BasicAuth("a:b", "x"), "auth.username"),
        (BasicAuth("a", "x\n"), "auth.password"),
        (BearerAuth("a b"), "auth.token"),
        (BearerAuth("a\r\nX: y"), "auth.token"),
        *(
            (SignatureAuth(secret), "auth.secret")
            for secret in (
                *("bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3", "whsec_", "whsec_bmV3", "whsec_" + "ä" * 32),
                *("whsec_" + "A" * 31, "whsec_" + "A" * 88, "whsec_" + "-_-_" * 8, SECRET + "\n"),
            )
        ),
        (SignatureAuth(SECRET, "whsec_bmV3"), "auth.previous_secret"),
    ],
)
def test_check_names_the_wrong_credential(auth: Any, field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: ") as refusal:
        WebhookTransport.check(WebhookConfig("https://sink.example/"), auth)
    assert "bmV3" not in str(refusal.value)


@pytest.mark.parametrize("secret", [SECRET, "whsec_" + "A" * 32, "whsec_" + "A" * 86])
def test_check_takes_good_settings(secret: str) -> None:
    WebhookTransport.check(
        WebhookConfig("https://bücher.example:8443/a", {"X-Key": "abc"}, True, Authority().pem),
        SignatureAuth(secret),
    )


@pytest.mark.parametrize(
    "values",
    [
        {"url": ""},
        {},
        {"url": "http://a/", "other": 1},
        {"url": "http://a/" + "x" * 2000},
        {"url": "http://a/", "headers": {str(number): "" for number in range(33)}},
        {"url": "http://a/", "verify_tls": "no"},
        {"url": 5},
    ],
)
def test_the_type_refuses_what_is_no_configuration(values: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(values, WebhookTransport.Config)


@pytest.mark.parametrize(
    "values", [{"type": "other"}, {}, {"type": "basic"}, {"type": "none", "token": "x"}]
)
def test_the_type_refuses_what_are_no_credentials(values: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(values, WebhookTransport.Auth)
