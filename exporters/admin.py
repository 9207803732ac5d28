"""Admin pages of exporters; deliveries and their attempts are there to look at."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.contrib.filters.admin.text_filters import TextFilter

from anpr_project.lib.admin import ConfigAdmin
from events.admin import UncountedPaginator
from events.readings import EARLIEST
from exporters import state
from exporters.configuration import InvalidConfiguration, read
from exporters.destination import refuse_forbidden
from exporters.forms import ExporterForm
from exporters.masking import shown_auth
from exporters.models import Delivery, DeliveryAttempt, ExporterConfig
from exporters.redelivery import Redelivery
from exporters.removal import remove
from exporters.throttle import seconds_to_wait
from exporters.trial import send_sample

RENEWING = frozenset({"config", "auth", "enabled"})


@admin.register(ExporterConfig)
class ExporterAdmin(ConfigAdmin):
    form = ExporterForm
    list_display = [
        "name",
        "exporter_type",
        "enabled",
        "glance",
        "pending",
        "dead",
        "last_success_at",
    ]
    list_filter = ["enabled"]
    search_fields = ["name"]
    readonly_fields = [
        "glance",
        "last_success_at",
        "last_error_at",
        "last_error",
        "paused_until",
        "created_at",
        "updated_at",
    ]
    actions = ["test", "enable", "disable", "send_dead_again"]
    first_step = "No exporter yet: add a webhook, an MQTT broker or a Kafka topic."

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [*self.readonly_fields, *(["exporter_type"] if obj else [])]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Who may only look gets masked credentials: a read-only page shows the row's values."""
        names = [str(name) for name in super().get_fields(request, obj)]
        if obj is None:
            return [name for name in names if name not in self.readonly_fields]
        if self.has_change_permission(request, obj):
            return names
        return [{"auth": "shown_credentials"}.get(name, name) for name in names]

    def look_up(self, request: HttpRequest, rows: Iterable[Any]) -> None:
        found = state.backlogs(rows)
        for exporter in rows:
            exporter.backlog = found[exporter.pk]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and not RENEWING.isdisjoint(form.changed_data):
            state.renew(obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """Name the exporters alone: there may be millions of deliveries below them."""
        rows = list(objs)
        lacking = set() if self.has_delete_permission(request) else {"exporter"}
        return [str(row) for row in rows], {"exporters": len(rows)}, lacking, []

    def delete_model(self, request: HttpRequest, obj: ExporterConfig) -> None:
        remove(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ExporterConfig]) -> None:
        for exporter in queryset:
            remove(exporter)

    def has_redeliver_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("exporters.redeliver")

    @admin.display(description="state")
    def glance(self, exporter: ExporterConfig) -> str:
        return state.at_a_glance(exporter)

    @admin.display(description="pending")
    def pending(self, exporter: Any) -> str:
        return _link(exporter, "pending", exporter.backlog.pending)

    @admin.display(description="dead letters")
    def dead(self, exporter: Any) -> str:
        return _link(exporter, "dead", exporter.backlog.dead)

    @admin.display(description="auth")
    def shown_credentials(self, exporter: ExporterConfig) -> str:
        return json.dumps(shown_auth(exporter))

    @admin.action(description="Test: send a sample now", permissions=["change"])
    def test(self, request: HttpRequest, queryset: QuerySet[ExporterConfig]) -> None:
        for exporter in queryset:
            wait = seconds_to_wait(request.user)
            if wait:
                messages.warning(request, f"Too many tests: go on in {wait:.0f} s.")
                return
            _try(request, exporter)

    @admin.action(description="Enable", permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[ExporterConfig]) -> None:
        for exporter in queryset:
            state.enable(exporter)
            self.log_change(request, exporter, "Enabled.")
            messages.success(request, f"{exporter} is enabled.")

    @admin.action(description="Disable", permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[ExporterConfig]) -> None:
        for exporter in queryset:
            state.disable(exporter)
            self.log_change(request, exporter, "Disabled.")
            messages.success(request, f"{exporter} is disabled. What is pending waits.")

    @admin.action(description="Send dead letters again", permissions=["redeliver"])
    def send_dead_again(self, request: HttpRequest, queryset: QuerySet[ExporterConfig]) -> None:
        dead = Redelivery(since=EARLIEST, to=timezone.now(), state=Delivery.State.DEAD)
        for exporter in queryset:
            queued = dead.queue(exporter)
            self.log_change(request, exporter, f"Sent {queued} dead letters again.")
            messages.success(request, f"{exporter}: {queued} dead letters are sent again.")


def _try(request: HttpRequest, exporter: ExporterConfig) -> None:
    try:
        refuse_forbidden(exporter.exporter_type, exporter.config)
        result = send_sample(read(exporter))
    except InvalidConfiguration as error:
        messages.error(request, f"{exporter}: {error}")
        return
    if result.delivered:
        messages.success(request, f"{exporter}: delivered in {result.duration_ms:.0f} ms.")
    else:
        messages.error(request, f"{exporter}: {result.error}")


def _link(exporter: ExporterConfig, wanted: str, number: int) -> str:
    address = reverse("admin:exporters_delivery_changelist")
    query = f"exporter__id__exact={exporter.pk}&state={wanted}"
    return format_html('<a href="{}?{}">{}</a>', address, query, number)


class ReadOnly:
    """Pages of a ledger: nobody edits it."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


# unfold has no types.
class LedgerAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Lists of millions of rows: by key, nothing counted, nothing sorted otherwise."""

    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = UncountedPaginator
    sortable_by = ()
    ordering = ["-id"]
    actions = None
    list_filter_submit = True


class IdFilter(TextFilter):  # type: ignore[misc]
    """A number to type; what is none finds nothing."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        text = self.value()
        if not text:
            return queryset
        if not text.isdecimal() or not text.isascii() or len(text) > 18:
            return queryset.none()
        return queryset.filter(**{self.parameter_name: int(text)})


class EventFilter(IdFilter):
    title = "event"
    parameter_name = "event"


class DeliveryFilter(IdFilter):
    title = "delivery"
    parameter_name = "delivery"


class StateFilter(admin.SimpleListFilter):
    """Of one exporter only: then an index finds the few that are not delivered."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Delivery.State.choices if "exporter__id__exact" in request.GET else ()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.value()
        return queryset.filter(state=wanted) if wanted in Delivery.State.values else queryset


class Attempts(ReadOnly, TabularInline):  # type: ignore[misc]
    model = DeliveryAttempt
    fields = ["started_at", "duration_ms", "succeeded", "code", "error"]
    readonly_fields = fields
    extra = 0
    can_delete = False


@admin.register(Delivery)
class DeliveryAdmin(LedgerAdmin):
    list_display = ["id", "exporter", "event", "state", "attempts", "created_at", "last_error"]
    list_select_related = ["exporter", "event"]
    list_filter = [("exporter", RelatedDropdownFilter), StateFilter, EventFilter]
    inlines = [Attempts]
    readonly_fields = [
        "exporter",
        "event",
        "state",
        "attempts",
        "created_at",
        "next_attempt_at",
        "delivered_at",
        "last_error",
    ]
    fields = readonly_fields


@admin.register(DeliveryAttempt)
class AttemptAdmin(LedgerAdmin):
    list_display = ["id", "delivery", "started_at", "duration_ms", "succeeded", "code", "error"]
    list_select_related = ["delivery"]
    list_filter = [DeliveryFilter]
    readonly_fields = ["delivery", "started_at", "duration_ms", "succeeded", "code", "error"]
    fields = readonly_fields
