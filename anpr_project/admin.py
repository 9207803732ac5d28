"""The admin pages whose columns come from several apps: registered here, where all apps are known.

Cameras know nothing of events, nor zones of cameras. So their apps describe their own pages, and
these classes add what a list has to tell of the apps above.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from anpr_project.console import accounts  # noqa: F401 - registers its pages
from anpr_project.lib.admin import ago
from cameras.admin import CameraAdmin
from cameras.models import Camera
from cameras.zone_admin import SeenZoneAdmin
from events.admin import NOTHING, picture
from events.models import PlateEvent, Rollup
from events.statistics.lately import latest_reads, reads_today
from models_cfg.admin import ModelConfigAdmin
from models_cfg.models import ModelConfig
from sensors.models import SensorSettings
from zones.models import Zone

SEE_EVENTS = "events.view_plateevent"


def _linked(model: Any, query: str, text: object) -> str:
    """Return a link to the rows of a list that the number or name stands for."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return format_html('<a href="{}?{}">{}</a>', address, query, text)


class ReadColumns:
    """Leaves out the columns about reads for who may not see events."""

    read_columns: tuple[str, ...] = ()

    def get_list_display(self, request: HttpRequest) -> list[str]:
        base: Any = super()
        hidden = () if request.user.has_perm(SEE_EVENTS) else self.read_columns
        return [name for name in base.get_list_display(request) if name not in hidden]


@admin.register(Camera)
class CameraConsole(ReadColumns, CameraAdmin):
    list_display = [
        "name",
        "latest_picture",
        "last_read",
        "reads_today",
        "seen_zones",
        "address",
        "enabled",
    ]
    read_columns = ("latest_picture", "last_read", "reads_today")

    def look_up(self, request: HttpRequest, rows: Iterable[Any]) -> None:
        if not request.user.has_perm(SEE_EVENTS):
            return
        ids = [camera.pk for camera in rows]
        latest, today = latest_reads(ids), reads_today(Rollup.Kind.CAMERA, ids)
        for camera in rows:
            camera.latest, camera.today = latest.get(camera.pk), today.get(camera.pk, 0)

    @admin.display(description="latest picture", empty_value=NOTHING)
    def latest_picture(self, camera: Any) -> str | None:
        event: PlateEvent | None = camera.latest
        if event is None:
            return None
        if event.crop:
            return picture(event, "crop", width=104, height=32)
        return picture(event, "frame", width=104)

    @admin.display(description="last read", empty_value="no read yet")
    def last_read(self, camera: Any) -> str | None:
        event: PlateEvent | None = camera.latest
        if event is None:
            return None
        address = reverse("admin:events_plateevent_change", args=[event.pk])
        return format_html('<a href="{}">{}</a>', address, ago(event.captured_at))

    @admin.display(description="reads today")
    def reads_today(self, camera: Any) -> str:
        return _linked(PlateEvent, f"camera__id__exact={camera.pk}", f"{camera.today:,}")


@admin.register(Zone)
class ZoneConsole(ReadColumns, SeenZoneAdmin):
    list_display = [
        "name",
        "zone_type",
        "space",
        "capacity",
        "number_of_cameras",
        "reads_today",
        "enabled",
    ]
    read_columns = ("reads_today",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Zone]:
        rows: QuerySet[Zone] = super().get_queryset(request)
        return rows.annotate(camera_count=Count("cameras"))

    def look_up(self, request: HttpRequest, rows: Iterable[Any]) -> None:
        if not request.user.has_perm(SEE_EVENTS):
            return
        today = reads_today(Rollup.Kind.ZONE, [zone.pk for zone in rows])
        for zone in rows:
            zone.today = today.get(zone.pk, 0)

    @admin.display(description="cameras", ordering="camera_count")
    def number_of_cameras(self, zone: Any) -> str:
        return _linked(Camera, f"zones__id__exact={zone.pk}", zone.camera_count)

    @admin.display(description="reads today")
    def reads_today(self, zone: Any) -> str:
        return _linked(PlateEvent, f"zone__id__exact={zone.pk}", f"{zone.today:,}")


@admin.register(ModelConfig)
class ModelConfigConsole(ModelConfigAdmin):
    list_display = ["name", "version", "model_type", "in_use_by", "weights_path", "enabled"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelConfig]:
        rows: QuerySet[ModelConfig] = super().get_queryset(request)
        return rows.annotate(sensor_count=Count("sensors"))

    @admin.display(description="in use by", ordering="sensor_count", empty_value=NOTHING)
    def in_use_by(self, model: Any) -> str | None:
        number = model.sensor_count
        text = f"{number} sensor{'' if number == 1 else 's'}"
        query = f"models__id__exact={model.pk}"
        return _linked(SensorSettings, query, text) if number else None
