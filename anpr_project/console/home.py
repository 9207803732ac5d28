"""The first page of the admin site: how things are, and where to act.

Everything is asked of rollups and small tables, so that it costs the same at a million events.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from anpr_project.health import WORKER_IS_STALE_AFTER
from anpr_project.lib.admin import ago
from cameras.models import Camera
from events.pictures.stores import picture_store
from events.statistics.lately import Lately, read_lately
from events.statistics.silence import silent_cameras
from exporters.models import ExporterConfig, WorkerHeartbeat
from exporters.state import at_a_glance, backlogs
from sensors.models import SensorSettings

SEE_EVENTS = "events.view_plateevent"
SEE_CAMERAS = "cameras.view_camera"
SEE_SENSORS = "sensors.view_sensorsettings"
SEE_EXPORTERS = "exporters.view_exporterconfig"
SEE_WORKER = "exporters.view_workerheartbeat"
MOST_ROWS = 10
# Times the room below which ingest refuses.
SOON_FULL = 5


@dataclass(frozen=True)
class Figure:
    """A number with what it means and where it leads."""

    title: str
    value: object
    note: object = ""
    link: str = ""
    alarming: bool = False


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what this user may see."""
    now, may = timezone.now(), request.user.has_perm
    context["title"] = _("Overview")
    figures: list[Figure] = []
    if may(SEE_EVENTS):
        lately = read_lately(now)
        figures.append(_today(lately))
        context["chart"] = _chart(lately)
    if may(SEE_CAMERAS):
        context["has_no_camera"] = not Camera.objects.exists()
        if may(SEE_EVENTS):
            silences = silent_cameras(now)
            context["silences"] = silences[:MOST_ROWS]
            figures.append(_silent(len(silences), len(silences) - MOST_ROWS))
    if may(SEE_SENSORS):
        skewed = list(SensorSettings.objects.off_in_time().order_by("name")[: MOST_ROWS + 1])
        context["skewed"] = skewed[:MOST_ROWS]
        figures.append(_clocks(len(skewed)))
    if may(SEE_EXPORTERS):
        context["exporters"] = exporters = _exporters()
        figures.append(_deliveries(exporters))
    if may(SEE_WORKER):
        figures += [_disk(), _worker(now)]
    return context | {"figures": figures}


def _today(lately: Lately) -> Figure:
    return Figure(
        _("Reads today"),
        f"{lately.today:,}",
        _("%s at this time yesterday") % f"{lately.yesterday:,}",
        reverse("statistics"),
    )


def _silent(number: int, more: int) -> Figure:
    note = _("of those that should have read something")
    return Figure(
        _("Silent cameras"), number, note, "#silent" if number else _cameras(), alarming=number > 0
    )


def _cameras() -> str:
    return reverse("admin:cameras_camera_changelist")


def _clocks(number: int) -> Figure:
    shown = f"{MOST_ROWS}+" if number > MOST_ROWS else number
    link = "#clocks" if number else reverse("admin:sensors_sensorsettings_changelist")
    return Figure(
        _("Sensors off in time"), shown, _("clock wrong, or late"), link, alarming=number > 0
    )


@dataclass(frozen=True)
class ExporterRow:
    exporter: ExporterConfig
    state: str
    pending: int
    dead: int

    @property
    def is_alarming(self) -> bool:
        return self.dead > 0 or self.state not in ("ok", "disabled")


def _exporters() -> list[ExporterRow]:
    rows = list(ExporterConfig.objects.defer("auth", "config", "filters", "retry"))
    waiting = backlogs(rows)
    return [
        ExporterRow(row, at_a_glance(row), waiting[row.pk].pending, waiting[row.pk].dead)
        for row in rows
    ]


def _deliveries(exporters: list[ExporterRow]) -> Figure:
    pending = sum(row.pending for row in exporters)
    dead = sum(row.dead for row in exporters)
    link = "#exporters" if exporters else reverse("admin:exporters_exporterconfig_changelist")
    alarming = any(row.is_alarming for row in exporters)
    note = _("%s dead letters") % f"{dead:,}"
    return Figure(_("Deliveries waiting"), f"{pending:,}", note, link, alarming)


def _disk() -> Figure:
    free = picture_store().free_bytes()
    if free is None:
        return Figure(
            _("Disk left"), _("no limit"), _("pictures are in an object storage"), reverse("health")
        )
    note = _("events are kept for %s days") % settings.RETENTION_DAYS
    is_low = free < SOON_FULL * settings.MIN_FREE_MB * 2**20
    return Figure(_("Disk left"), filesizeformat(free), note, reverse("health"), is_low)


def _worker(now: datetime) -> Figure:
    beat = WorkerHeartbeat.objects.aggregate(newest=Max("beat_at"))["newest"]
    lives = beat is not None and now - beat <= WORKER_IS_STALE_AFTER
    note = ago(beat) or _("never heard: start manage.py deliver")
    return Figure(
        _("Worker"), _("alive") if lives else _("down"), note, reverse("health"), not lives
    )


def _chart(lately: Lately) -> dict[str, str]:
    """The reads per hour, for unfold's charts."""
    now_color, before_color = "var(--color-primary-600)", "var(--color-base-400)"
    data = {
        "labels": [f"{timezone.localtime(hour):%H:%M}" for hour in lately.hours],
        "datasets": [
            {
                "label": _("Last 24 hours"),
                "data": lately.reads,
                "backgroundColor": now_color,
                "maxBarThickness": 22,
                "borderRadius": 3,
                "displayYAxis": True,
                "order": 2,
            },
            {
                "label": _("Day before"),
                "data": lately.day_before,
                "type": "line",
                "borderColor": before_color,
                "backgroundColor": before_color,
                "order": 1,
            },
        ],
    }
    return {"data": json.dumps(data), "total": f"{sum(lately.reads):,}"}
