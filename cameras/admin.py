"""Admin pages of cameras: the stored password never reaches a page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextInputWidget

from anpr_project.lib.admin import ConfigAdmin, ConfigInline
from cameras.models import Camera, CameraZone
from cameras.rtsp import unmasked


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


@admin.register(Camera)
class CameraAdmin(ConfigAdmin):
    form = CameraForm
    inlines = [SeenZones]
    list_display = ["name", "seen_zones", "address", "place", "enabled", "updated_at"]
    list_filter = ["enabled", ("zones", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["name", "address"]

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

    @admin.display(description="place")
    def place(self, camera: Camera) -> str:
        if camera.latitude is None or camera.longitude is None:
            return ""
        return f"{camera.latitude:.5f}, {camera.longitude:.5f}"
