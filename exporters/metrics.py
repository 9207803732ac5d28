"""Counters of delivery, by exporter; its backlog is asked of the database at each scrape."""

from __future__ import annotations

from wsgiref.simple_server import WSGIServer

from django.conf import settings
from django.core.management import CommandError
from prometheus_client import Counter, Histogram, start_http_server

ATTEMPTS = Counter(
    "anpr_export_attempts_total", "Attempts to deliver, by result.", ["exporter", "result"]
)
SECONDS = Histogram(
    "anpr_export_duration_seconds",
    "Time from the start of an attempt to the sink's answer.",
    ["exporter"],
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 30),
)


def serve() -> WSGIServer | None:
    """Show what this process counts on METRICS_PORT, if set; a worker answers nothing else."""
    if not (settings.ENABLE_METRICS and settings.METRICS_PORT):
        return None
    try:
        server, _ = start_http_server(settings.METRICS_PORT, settings.HOST)
    except OSError as error:
        place = f"{settings.HOST} port {settings.METRICS_PORT}"
        raise CommandError(f"Cannot listen on {place}: {error}. Set METRICS_PORT.") from None
    return server
