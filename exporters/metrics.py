"""Counters of delivery, by exporter; its backlog is asked of the database at each scrape."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

ATTEMPTS = Counter(
    "anpr_export_attempts_total", "Attempts to deliver, by result.", ["exporter", "result"]
)
SECONDS = Histogram(
    "anpr_export_duration_seconds",
    "Time from the start of an attempt to the sink's answer.",
    ["exporter"],
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 30),
)
