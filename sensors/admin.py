"""Admin pages of sensors, where their keys are made and revoked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from anpr_project.lib.admin import ConfigInline, ago
from anpr_project.lib.csv_columns import Column, Flag, Json, ManyNamed, Named
from anpr_project.lib.csv_pages import CsvAdmin
from cameras.models import Camera
from models_cfg.models import ModelConfig
from sensors.models import SensorKey, SensorModel, SensorSettings
from sensors.serializers import SensorSerializer
from zones.models import Zone

OFFSETS = {"fine": "success", "off": "danger"}


class RunModels(ConfigInline):
    model = SensorModel
    autocomplete_fields = ["model"]
    verbose_name = "model"
    verbose_name_plural = "models"


class Keys(ConfigInline):
    """The sensor's keys, to look at; a button revokes one."""

    model = SensorKey
    fields = ["key_id", "label", "created_at", "last_used_at", "revoked_at", "revoke"]
    readonly_fields = fields
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("sensors.change_sensorsettings")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.display(description="revoke")
    def revoke(self, key: SensorKey) -> str:
        if key.revoked_at is not None:
            return ""
        # The page's own form, with its CSRF token, sent to another address.
        return format_html(
            '<button type="submit" formmethod="post" formnovalidate formaction="{}">Revoke</button>',
            reverse("admin:sensors_sensorsettings_revoke_key", args=[key.sensor_id, key.pk]),
        )


class NewKeyForm(forms.ModelForm[SensorKey]):
    class Meta:
        model = SensorKey
        fields = ["label"]
        widgets = {"label": UnfoldAdminTextInputWidget}


@admin.register(SensorSettings)
class SensorAdmin(CsvAdmin):
    inlines = [RunModels, Keys]
    list_display = [
        "name",
        "camera",
        "last_seen",
        "clock_offset",
        "live_keys",
        "enabled",
    ]
    list_filter = ["enabled", ("camera", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["camera"]
    search_fields = ["name", "serial_number"]
    autocomplete_fields = ["camera", "zone"]
    readonly_fields = ["last_seen_at", "clock_offset_s", "created_at", "updated_at"]
    actions_detail = ["make_key"]
    first_step = "No sensor yet: add one for a camera, then make a key for the device."
    csv_serializer = SensorSerializer
    csv_related = ["camera", "zone", "models"]

    def csv_columns(self) -> list[Column]:
        return [
            Column("name"),
            Column("serial_number"),
            Named("camera", Camera),
            Named("zone", Zone),
            ManyNamed("models", ModelConfig),
            Json("settings", empty={}),
            Flag("enabled"),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SensorSettings]:
        rows: QuerySet[SensorSettings] = super().get_queryset(request)
        return rows.annotate(live_key_count=Count("keys", filter=Q(keys__revoked_at=None)))

    @admin.display(description="last seen", ordering="last_seen_at", empty_value="never")
    def last_seen(self, sensor: SensorSettings) -> str | None:
        return ago(sensor.last_seen_at)

    @display(description="clock offset", ordering="clock_offset_s", label=OFFSETS)  # type: ignore[untyped-decorator]  # unfold has no types
    def clock_offset(self, sensor: SensorSettings) -> tuple[str, str] | None:
        state = "off" if sensor.is_off_in_time else "fine"
        return (state, sensor.shown_offset) if sensor.shown_offset else None

    @admin.display(description="live keys", ordering="live_key_count")
    def live_keys(self, sensor: Any) -> int:
        return int(sensor.live_key_count)

    def get_urls(self) -> list[URLPattern]:
        revoke = path(
            "<int:sensor_id>/keys/<int:key_id>/revoke",
            self.admin_site.admin_view(require_POST(self.revoke_key)),
            name="sensors_sensorsettings_revoke_key",
        )
        return [revoke, *super().get_urls()]

    def _changeable(self, request: HttpRequest, sensor_id: int | str) -> SensorSettings:
        sensor = self.get_object(request, str(sensor_id))
        if not self.has_change_permission(request, sensor):
            raise PermissionDenied
        return get_object_or_404(SensorSettings, pk=sensor.pk if sensor else None)

    # unfold has no types
    @action(  # type: ignore[untyped-decorator]
        description="Make a key", url_path="make-key", permissions=["change"]
    )
    def make_key(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a label, then show the key in the answer itself: it is kept nowhere."""
        sensor = self._changeable(request, object_id)
        form = NewKeyForm(request.POST or None)
        text = ""
        if request.method == "POST" and form.is_valid():
            key, text = SensorKey.create_for(sensor, form.cleaned_data["label"])
            self.log_change(request, sensor, f"Made the key {key.key_id}.")
        context = {
            **self.admin_site.each_context(request),
            "title": f"Key for {sensor}",
            "opts": self.opts,
            "original": sensor,
            "form": form,
            "key": text,
        }
        return TemplateResponse(request, "sensors/make_key.html", context)

    def revoke_key(self, request: HttpRequest, sensor_id: int, key_id: int) -> HttpResponse:
        sensor = self._changeable(request, sensor_id)
        key = get_object_or_404(SensorKey, pk=key_id, sensor=sensor)
        key.revoke()
        self.log_change(request, sensor, f"Revoked the key {key.key_id}.")
        messages.success(request, f"The key {key.key_id} is revoked.")
        return HttpResponseRedirect(
            reverse("admin:sensors_sensorsettings_change", args=[sensor_id])
        )
