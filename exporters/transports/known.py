"""Every transport by its name. Loads the clients of all brokers."""

from __future__ import annotations

from exporters.transports.base import Transport
from exporters.transports.kafka import KafkaTransport
from exporters.transports.mqtt import MqttTransport
from exporters.transports.webhook import WebhookTransport

TRANSPORTS: dict[str, type[Transport]] = {
    "webhook": WebhookTransport,
    "mqtt": MqttTransport,
    "kafka": KafkaTransport,
}
