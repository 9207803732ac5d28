"""The family of transports: one module each, and this line to know it by."""

from __future__ import annotations

from exporters.transports.base import (
    Message,
    Outcome,
    Receipt,
    Transport,
    TransportError,
)
from exporters.transports.kafka import KafkaTransport
from exporters.transports.mqtt import MqttTransport
from exporters.transports.webhook import WebhookTransport

TRANSPORTS: dict[str, type[Transport]] = {
    "webhook": WebhookTransport,
    "mqtt": MqttTransport,
    "kafka": KafkaTransport,
}

__all__ = ["TRANSPORTS", "Message", "Outcome", "Receipt", "Transport", "TransportError"]
