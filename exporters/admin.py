"""Admin pages of exporters: a form for each kind, their state, and a trial."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import Truncator
from unfold.decorators import action, display

from anpr_project.lib.admin import ConfigAdmin, ago
from events.readings import EARLIEST
from exporters import state
from exporters.configuration import InvalidConfiguration, read
from exporters.destination import refuse_forbidden
from exporters.forms import auth_members, fieldsets_of, form_for
from exporters.ledger_admin import AttemptAdmin, DeliveryAdmin
from exporters.masking import shown_auth
from exporters.models import Delivery, DeliveryAttempt, ExporterConfig
from exporters.redelivery import Redelivery
from exporters.removal import remove
from exporters.throttle import seconds_to_wait
from exporters.transports.known import TRANSPORTS
from exporters.trial import send_sample

RENEWING = frozenset({"config", "auth", "enabled"})
BUTTONS = frozenset({"test", "enable", "disable", "send_dead_again"})
STATES = {"ok": "success", "failing": "warning", "paused": "warning", "open circuit": "danger"}
KINDS = {
    "webhook": "A POST for each read to an address on the web, signed if you like.",
    "mqtt": "A message for each read to a topic of an MQTT broker.",
    "kafka": "A record for each read to a topic of Kafka, in order by plate, camera or sensor.",
}


def _shown_when() -> dict[str, str]:
    """Say when a field of credentials is shown: only those of the chosen type are."""
    tags: dict[str, set[str]] = {}
    for kind in TRANSPORTS:
        for name, belonging in auth_members(kind).items():
            tags.setdefault(name, set()).update(belonging)
    return {
        name: " || ".join(f"auth_type == '{tag}'" for tag in sorted(belonging))
        for name, belonging in tags.items()
    }


@admin.register(ExporterConfig)
class ExporterAdmin(ConfigAdmin):
    list_display = [
        "name",
        "exporter_type",
        "shown_state",
        "pending",
        "dead",
        "last_success",
        "shown_error",
        "enabled",
    ]
    list_filter = ["enabled"]
    search_fields = ["name"]
    readonly_fields = [
        "glance",
        "last_success_at",
        "last_error_at",
        "last_error",
        "paused_until",
        "failing_since",
        "disabled_reason",
        "created_at",
        "updated_at",
    ]
    actions = ["test", "enable", "disable", "send_dead_again"]
    actions_detail = ["state_page"]
    first_step = "No exporter yet: add a webhook, an MQTT broker or a Kafka topic."
    conditional_fields = _shown_when()

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask for the kind first: its form has its own fields."""
        is_chosen = request.GET.get("exporter_type") in TRANSPORTS
        if is_chosen or not self.has_add_permission(request):
            answer: HttpResponse = super().add_view(request, *args, **kwargs)
            return answer
        kinds = [(kind, KINDS.get(kind, "")) for kind in TRANSPORTS]
        return self._page(request, "choose_kind", title="Add exporter", kinds=kinds)

    def _page(self, request: HttpRequest, name: str, **context: Any) -> HttpResponse:
        context |= self.admin_site.each_context(request) | {"opts": self.opts}
        return TemplateResponse(request, f"exporters/{name}.html", context)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        kind = obj.exporter_type if obj else request.GET["exporter_type"]
        return super().get_form(request, obj, change, **{"form": form_for(kind)} | kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who may only look gets the row's parts, with masked credentials."""
        if obj is None:
            return fieldsets_of(request.GET["exporter_type"])
        about_state = ("State", {"fields": self.readonly_fields})
        if self.has_change_permission(request, obj):
            return [*fieldsets_of(obj.exporter_type), about_state]
        parts = ["exporter_type", "config", "shown_credentials", "filters", "ordered", "retry"]
        return [(None, {"fields": ["name", "enabled", *parts]}), about_state]

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

    # unfold has no types
    @display(description="state", label=STATES)  # type: ignore[untyped-decorator]
    def shown_state(self, exporter: ExporterConfig) -> str:
        return state.at_a_glance(exporter)

    @admin.display(description="state")
    def glance(self, exporter: ExporterConfig) -> str:
        return state.at_a_glance(exporter)

    @admin.display(description="pending")
    def pending(self, exporter: Any) -> str:
        return _link(exporter, "pending", exporter.backlog.pending)

    @admin.display(description="dead letters")
    def dead(self, exporter: Any) -> str:
        return _link(exporter, "dead", exporter.backlog.dead)

    @admin.display(description="last success", ordering="last_success_at", empty_value="never")
    def last_success(self, exporter: ExporterConfig) -> str | None:
        return ago(exporter.last_success_at)

    @admin.display(description="last error")
    def shown_error(self, exporter: ExporterConfig) -> str:
        """Nothing once a delivery has succeeded since; why it was disabled comes first."""
        if exporter.disabled_reason:
            return f"Disabled: {Truncator(exporter.disabled_reason).chars(80)}"
        failed, succeeded = exporter.last_error_at, exporter.last_success_at
        if failed is None or (succeeded is not None and succeeded > failed):
            return ""
        text = Truncator(exporter.last_error).chars(80)
        return format_html("{} <small>({})</small>", text, ago(failed))

    @admin.display(description="auth")
    def shown_credentials(self, exporter: ExporterConfig) -> str:
        return json.dumps(shown_auth(exporter))

    @action(  # type: ignore[untyped-decorator]  # unfold has no types
        description="Test and state", url_path="state", icon="labs"
    )
    def state_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show how it is doing, and try it; a button does what the list's action of that name does."""
        exporter = self.get_object(request, object_id)
        if not self.has_view_permission(request, exporter):
            raise PermissionDenied
        exporter = get_object_or_404(ExporterConfig, pk=exporter and exporter.pk)
        offered = self.get_actions(request)
        if request.method == "POST":
            pressed = request.POST.get("do", "")
            if pressed not in BUTTONS or pressed not in offered:
                raise PermissionDenied
            run = offered[pressed][0]
            run(self, request, ExporterConfig.objects.filter(pk=exporter.pk))
            return HttpResponseRedirect(request.path)
        return self._page(
            request,
            "state",
            title=f"Test and state of {exporter}",
            original=exporter,
            glance=state.at_a_glance(exporter),
            state=state.state_of(exporter, state.backlogs([exporter])[exporter.pk]),
            offered=offered,
        )

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
    code = "" if result.code is None else f" (code {result.code})"
    if result.delivered:
        messages.success(request, f"{exporter}: delivered in {result.duration_ms:.0f} ms{code}.")
    else:
        text = f"{exporter}: not delivered after {result.duration_ms:.0f} ms{code}: {result.error}"
        messages.error(request, text)


def _link(exporter: ExporterConfig, wanted: str, number: int) -> str:
    address = reverse("admin:exporters_delivery_changelist")
    query = f"exporter__id__exact={exporter.pk}&state={wanted}"
    return format_html('<a href="{}?{}">{}</a>', address, query, number)


admin.site.register(Delivery, DeliveryAdmin)
admin.site.register(DeliveryAttempt, AttemptAdmin)
