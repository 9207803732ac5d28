"""The admin page of a zone, with the cameras that see it: of cameras the zones know nothing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from cameras.models import Camera
from zones.admin import ZoneAdmin
from zones.models import Zone


class ZoneForm(forms.ModelForm[Zone]):
    cameras = forms.ModelMultipleChoiceField(
        queryset=Camera.objects.order_by("name"),
        required=False,
        widget=UnfoldAdminSelect2MultipleWidget,
        label="Seen by",
        help_text="the cameras whose reads are looked up in this zone",
    )

    class Meta:
        model = Zone
        fields = ["name", "zone_type", "space", "capacity", "enabled", "geometry"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.initial["cameras"] = Camera.objects.filter(zones=self.instance)

    def _save_m2m(self) -> None:
        super()._save_m2m()  # type: ignore[misc]
        self.instance.cameras.set(self.cleaned_data["cameras"])


class SeenZoneAdmin(ZoneAdmin):
    """Who may change cameras chooses here too which of them see the zone."""

    def _may_change_cameras(self, request: HttpRequest, zone: Zone | None) -> bool:
        may_change = self.has_change_permission(request, zone) if zone else True
        return may_change and request.user.has_perm("cameras.change_camera")

    def get_form(
        self, request: HttpRequest, obj: Zone | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if self._may_change_cameras(request, obj):
            kwargs["form"] = ZoneForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Zone | None = None) -> list[str]:
        names = [str(name) for name in super().get_fields(request, obj)]
        shown = "cameras" if self._may_change_cameras(request, obj) else "seen_by"
        return [*names[:-1], shown, names[-1]]

    def get_readonly_fields(self, request: HttpRequest, obj: Zone | None = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "seen_by"]

    @admin.display(description="seen by")
    def seen_by(self, zone: Zone) -> str:
        seeing = Camera.objects.filter(zones=zone.pk).order_by("name") if zone.pk else []
        return ", ".join(camera.name for camera in seeing)
