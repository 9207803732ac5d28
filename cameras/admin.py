"""Admin pages of cameras: the stored password never reaches a page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget

from anpr_project.lib.admin import ConfigInline
from anpr_project.lib.csv_columns import Column, Flag, ManyNamed, Number
from anpr_project.lib.csv_pages import CsvAdmin
from cameras.models import Camera, CameraZone
from cameras.rtsp import masked, unmasked
from cameras.serializers import CameraSerializer
from zones.models import Zone


class CameraForm(forms.ModelForm[Camera]):
    class Meta:
        model = Camera
        fields = [
            "name",
            "rtsp_url",
            "fps",
            "width",
            "height",
            "latitude",
            "longitude",
            "heading",
            "address",
            "enabled",
        ]
        widgets = {"rtsp_url": UnfoldAdminTextInputWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["rtsp_url"] = self.instance.shown_rtsp_url

    def clean_rtsp_url(self) -> str:
        return unmasked(self.cleaned_data["rtsp_url"], self.instance.rtsp_url)


class SeenZones(ConfigInline):
    model = CameraZone
    autocomplete_fields = ["zone"]
    verbose_name = "zone"
    verbose_name_plural = "zones"


class MaskedUrl(Column):
    """The address, never with its password; the mask sent back keeps the stored one."""

    def shown(self, value: str) -> str:
        return masked(value)


class CameraAdmin(CsvAdmin):
    form = CameraForm
    inlines = [SeenZones]
    list_display = ["name", "seen_zones", "address", "enabled"]
    list_filter = ["enabled", ("zones", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["name", "address"]
    first_step = "No camera yet: add one, import a list, or run make demo."
    csv_serializer = CameraSerializer
    csv_related = ["zones"]

    actions_detail = ["draw_zone"]

    def has_draw_zone_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        # Named here, for unfold looks a name like "zones.add_zone" up in the database at each start.
        return request.user.has_perm("zones.add_zone")

    # unfold has no types
    @action(  # type: ignore[untyped-decorator]
        description="Draw a zone", url_path="draw-zone", permissions=["draw_zone"]
    )
    def draw_zone(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """On to the page of a new zone, over this camera's latest picture."""
        page = reverse("admin:zones_zone_add", current_app=self.admin_site.name)
        return HttpResponseRedirect(f"{page}?{urlencode({'cameras': object_id})}")

    def csv_columns(self) -> list[Column]:
        numbers = ("fps", "width", "height", "latitude", "longitude", "heading")
        return [
            Column("name"),
            MaskedUrl("rtsp_url"),
            *map(Number, numbers),
            Column("address"),
            ManyNamed("zones", Zone),
            Flag("enabled"),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Camera]:
        rows: QuerySet[Camera] = super().get_queryset(request)
        return rows.prefetch_related("zones")

    def get_fields(self, request: HttpRequest, obj: Camera | None = None) -> list[str]:
        """Who may only look gets the masked address: a read-only page shows the row's values."""
        names = [str(name) for name in super().get_fields(request, obj)]
        if obj is None or self.has_change_permission(request, obj):
            return names
        return [{"rtsp_url": "shown_rtsp_url"}.get(name, name) for name in names]

    @admin.display(description="zones")
    def seen_zones(self, camera: Camera) -> str:
        return ", ".join(zone.name for zone in camera.zones.all())
