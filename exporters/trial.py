"""Tries an exporter with a marked sample, through the same payload and transport as real events."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from events.representation import EventView
from exporters import payload
from exporters.configuration import Settings
from exporters.network import Network
from exporters.transports import Message, Outcome, Receipt, Transport, TransportError

# Transports keep the time limit themselves; this is for one that does not.
GRACE_S = 2.0


@dataclass(frozen=True)
class Result:
    """What became of the sample; `error` is for the operator, empty when it was delivered."""

    delivered: bool
    code: int | None
    duration_ms: float
    error: str


def _sample(now: datetime) -> EventView:
    seen: dict[str, Any] = {
        "id": 0,
        "event_id": uuid.uuid4(),
        "plate": "TEST 123",
        "plate_normalized": "TEST123",
        "confidence": 1.0,
        "region": "",
        "captured_at": now,
        "received_at": now,
        "sensor": 0,
        "sensor_name": "test",
    }
    absent: dict[str, Any] = dict.fromkeys(EventView.__struct_fields__)
    return EventView(**absent | seen | {"candidates": (), "tpms": ()})


def _message() -> Message:
    now = timezone.now()
    view = _sample(now)
    body = payload.envelope(view, kind=payload.TEST, base_url=settings.PUBLIC_URL, now=now)
    return Message(id=f"test_{view.event_id.hex}", body=body, fields=payload.fields(view))


def _send(transport: Transport, message: Message, limit_s: float) -> Outcome:
    outcomes: list[Outcome] = []
    ended = threading.Event()

    def done(outcome: Outcome) -> None:
        outcomes.append(outcome)
        ended.set()

    transport.start(message, done)
    ended.wait(limit_s)
    return outcomes[0] if outcomes else TransportError("timed out", unreachable=True)


def send_sample(exporter: Settings) -> Result:
    """Send one sample and wait for what becomes of it; nothing is stored."""
    transport = exporter.transport(
        config=exporter.config,
        auth=exporter.auth,
        timeout_s=exporter.retry.timeout_s,
        network=Network(settings.EXPORT_ALLOW_NETWORKS),
    )
    started = time.perf_counter()
    try:
        outcome = _send(transport, _message(), exporter.retry.timeout_s + GRACE_S)
    finally:
        duration_ms = round((time.perf_counter() - started) * 1000, 1)
        transport.close()
    delivered = isinstance(outcome, Receipt)
    return Result(delivered, outcome.code, duration_ms, "" if delivered else str(outcome))
