"""WebSocket addresses."""

from __future__ import annotations

from typing import Any

from django.urls import path

from events.stream.consumers import EventStreamConsumer

websocket_urlpatterns: list[Any] = [path("api/v1/events/stream", EventStreamConsumer.as_asgi())]
