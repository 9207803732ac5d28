"""Opens webhook exporters to sinks on loopback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from exporters.network import Network
from exporters.transports.base import Message, TransportError
from exporters.transports.webhook import NoAuth, WebhookConfig, WebhookTransport

MESSAGE = Message("msg_2c7", '{"plate":"ÄÖ12","type":"plate_event.created"}'.encode(), {})
SECRET = "whsec_" + "bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3"
PREVIOUS = "whsec_" + "b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xk"
LOOPBACK = ("127.0.0.0/8", "::1/128")


class Webhooks:
    """Makes checked transports, and closes them."""

    def __init__(self) -> None:
        self.made: list[WebhookTransport] = []

    def __call__(
        self,
        url: str,
        auth: Any = None,
        *,
        timeout_s: float = 5,
        allowed: Sequence[str] = LOOPBACK,
        **config: Any,
    ) -> WebhookTransport:
        settings, auth = WebhookConfig(url, **config), auth or NoAuth()
        WebhookTransport.check(settings, auth)
        made = WebhookTransport(
            config=settings, auth=auth, timeout_s=timeout_s, network=Network(allowed)
        )
        self.made.append(made)
        return made


def failure_of(sender: WebhookTransport) -> TransportError:
    """Send, and return how it failed."""
    with pytest.raises(TransportError) as failure:
        sender.send(MESSAGE)
    # A traceback would repeat what the sink said.
    assert failure.value.__cause__ is None
    return failure.value
