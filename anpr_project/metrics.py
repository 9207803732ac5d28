"""The page for Prometheus: what the processes counted, and what the database knows.

It has no login: it is for the internal port. The proxy does not pass it on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.db.models import Min
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, REGISTRY, CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from anpr_project.lib.read_only import read_only
from events.models import EventReceipt, StreamHead
from events.pictures.stores import picture_store
from exporters.delivery import OPEN_AFTER
from exporters.models import Delivery, ExporterConfig, WorkerHeartbeat
from exporters.state import backlogs
from sensors.models import SensorSettings

# Counting more would cost time and tell nothing new: the dispatcher is far behind.
BACKLOG_LIMIT = 10_000
# Among how many of an exporter's first pending deliveries the oldest is looked for: ids rise with
# age, but for those that are sent again.
OLDEST_AMONG = 1_000
SCRAPE_ERRORS = Counter(
    "anpr_scrape_errors_total", "Gauges that a scrape had to leave out.", ["gauge"]
)

Sample = tuple[str, float]


def _gauge(name: str, text: str, label: str, samples: Iterable[Sample]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value_of_label, value in samples:
        family.add_metric([value_of_label], value)
    return family


def _by_name(rows: Iterable[tuple[str, datetime]]) -> Iterator[Sample]:
    return ((name, moment.timestamp()) for name, moment in rows)


def sensors() -> list[Metric]:
    heard = SensorSettings.objects.exclude(last_seen_at=None)
    rows = list(heard.values_list("name", "last_seen_at", "clock_offset_s"))
    return [
        _gauge(
            "anpr_sensor_last_seen_timestamp_seconds",
            "When the sensor was last heard.",
            "sensor",
            _by_name((name, seen) for name, seen, _ in rows if seen is not None),
        ),
        _gauge(
            "anpr_sensor_clock_offset_seconds",
            "By how much the sensor's newest event arrived after its capture.",
            "sensor",
            ((name, offset) for name, _, offset in rows if offset is not None),
        ),
    ]


def stream() -> list[Metric]:
    backlog = EventReceipt.objects.waiting()[:BACKLOG_LIMIT].count()
    return [
        GaugeMetricFamily(
            "anpr_events_without_position",
            f"Stored events that the dispatcher has not handed on yet, counted to {BACKLOG_LIMIT}.",
            value=backlog,
        ),
        GaugeMetricFamily(
            "anpr_stream_head_position",
            "The newest position in the stream.",
            value=StreamHead.current(),
        ),
    ]


def workers() -> list[Metric]:
    beats = WorkerHeartbeat.objects.values_list("name", "beat_at")
    return [
        _gauge(
            "anpr_worker_last_beat_timestamp_seconds",
            "The worker's last sign of life.",
            "worker",
            _by_name(beats),
        )
    ]


def _oldest_pending(exporter: ExporterConfig) -> datetime | None:
    pending = Delivery.objects.filter(exporter=exporter, state=Delivery.State.PENDING)
    first = pending.order_by("id")[:OLDEST_AMONG]
    oldest: datetime | None = first.aggregate(at=Min("created_at"))["at"]
    return oldest


def exporters() -> list[Metric]:
    now = timezone.now()
    rows = list(ExporterConfig.objects.only("name", "failures", "disabled_reason"))
    waiting = backlogs(rows)
    oldest = {row.pk: _oldest_pending(row) or now for row in rows if waiting[row.pk].pending}
    return [
        _gauge(
            "anpr_export_pending",
            "Deliveries that wait, or are under way.",
            "exporter",
            ((row.name, waiting[row.pk].pending) for row in rows),
        ),
        _gauge(
            "anpr_export_oldest_pending_seconds",
            "For how long the oldest pending delivery has waited; 0 when none does.",
            "exporter",
            ((row.name, (now - oldest.get(row.pk, now)).total_seconds()) for row in rows),
        ),
        _gauge(
            "anpr_export_dead_letters",
            "Deliveries that were given up.",
            "exporter",
            ((row.name, waiting[row.pk].dead) for row in rows),
        ),
        _gauge(
            "anpr_export_circuit_open",
            "1 while the sink is out of reach, so that only probes are sent.",
            "exporter",
            ((row.name, float(row.failures >= OPEN_AFTER)) for row in rows),
        ),
        _gauge(
            "anpr_export_disabled",
            "1 when the worker disabled it: its sink is gone, or all attempts failed for days.",
            "exporter",
            ((row.name, float(bool(row.disabled_reason))) for row in rows),
        ),
    ]


def uploads() -> list[Metric]:
    free = picture_store().free_bytes()
    if free is None:
        return []
    return [
        GaugeMetricFamily("anpr_upload_free_bytes", "Room left where the pictures go.", value=free)
    ]


SOURCES: tuple[Callable[[], list[Metric]], ...] = (
    sensors,
    stream,
    workers,
    exporters,
    uploads,
)


class StateCollector(Collector):
    """Gauges that are read at each scrape; one that fails is left out and counted."""

    def collect(self) -> Iterator[Metric]:
        for source in SOURCES:
            try:
                yield from source()
            except (DatabaseError, InterfaceError, OSError, StreamHead.DoesNotExist):
                SCRAPE_ERRORS.labels(source.__name__).inc()


class ProcessCollector(Collector):
    """What this process counted."""

    def collect(self) -> Iterable[Metric]:
        return REGISTRY.collect()


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    # First, so that its errors are counted in this very answer.
    registry.register(StateCollector())
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(ProcessCollector())
    return registry


@read_only
def metrics(request: HttpRequest) -> HttpResponse:
    if not settings.ENABLE_METRICS:
        raise Http404
    return HttpResponse(generate_latest(_registry()), content_type=CONTENT_TYPE_PLAIN_0_0_4)
