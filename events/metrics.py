"""Counters of ingest and stream, by Prometheus' naming; never a plate in a label."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

INGEST_REQUESTS = Counter(
    "anpr_ingest_requests_total", "Ingest requests answered, by HTTP status.", ["code"]
)
INGEST_SECONDS = Histogram(
    "anpr_ingest_duration_seconds",
    "Time from the request's head to its answer.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
INGEST_BYTES = Counter("anpr_ingest_bytes_total", "Bytes of bodies that were accepted.")
INGEST_EVENTS = Counter("anpr_ingest_events_total", "Events stored.")
INGEST_DUPLICATES = Counter(
    "anpr_ingest_duplicates_total", "Events that the same sensor had already sent."
)
INGEST_REJECTED = Counter(
    "anpr_ingest_rejected_total", "Events refused or not kept, by reason.", ["reason"]
)
STREAM_CLIENTS = Gauge(
    "anpr_stream_clients", "Open stream connections.", multiprocess_mode="livesum"
)
STREAM_SENT = Counter("anpr_stream_events_sent_total", "Events handed to stream connections.")
STREAM_CLOSED = Counter("anpr_stream_closed_total", "Stream connections closed by us.", ["code"])
