"""Admin pages of deliveries and their attempts: to look at, and to send again."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.contrib.filters.admin.text_filters import TextFilter
from unfold.decorators import action, display

from anpr_project.lib.admin import ago
from events.admin import InfinitePaginator
from exporters.models import Delivery, DeliveryAttempt
from exporters.redelivery import BATCH

STATES = {"pending": "info", "delivered": "success", "dead": "danger"}


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
    paginator = InfinitePaginator
    sortable_by = ()
    ordering = ["-id"]
    actions: ClassVar[list[str] | None] = None
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


class DeliveryAdmin(LedgerAdmin):
    list_display = ["id", "exporter", "event", "shown_state", "attempts", "created", "last_error"]
    list_select_related = ["exporter", "event"]
    list_filter = [("exporter", RelatedDropdownFilter), StateFilter, EventFilter]
    inlines = [Attempts]
    first_step = "Nothing was handed to an exporter yet: add an exporter, and wait for a read."
    actions = ["send_again"]
    actions_detail = ["send_this_again"]
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

    def has_redeliver_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("exporters.redeliver")

    # unfold has no types
    @display(description="state", label=STATES)  # type: ignore[untyped-decorator]
    def shown_state(self, delivery: Delivery) -> str:
        return delivery.state

    @admin.display(description="created")
    def created(self, delivery: Delivery) -> str | None:
        return ago(delivery.created_at)

    @admin.action(description="Send again", permissions=["redeliver"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        ids = list(queryset.order_by("id").values_list("id", flat=True)[:BATCH])
        queued = Delivery.objects.filter(pk__in=ids).again(timezone.now())
        messages.success(request, f"{queued} deliveries are sent again.")

    @action(  # type: ignore[untyped-decorator]
        description="Send again", url_path="again", permissions=["redeliver"], icon="replay"
    )
    def send_this_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask first: a link must change nothing."""
        row = self.get_object(request, object_id)
        delivery = get_object_or_404(Delivery.objects.select_related("exporter"), pk=row and row.pk)
        if request.method == "POST":
            Delivery.objects.filter(pk=delivery.pk).again(timezone.now())
            messages.success(request, "The delivery is sent again.")
            address = reverse("admin:exporters_delivery_change", args=[delivery.pk])
            return HttpResponseRedirect(address)
        context = {
            **self.admin_site.each_context(request),
            "title": "Send again",
            "opts": self.opts,
            "original": delivery,
        }
        return TemplateResponse(request, "exporters/send_again.html", context)


class AttemptAdmin(LedgerAdmin):
    list_display = ["id", "delivery", "started_at", "duration_ms", "succeeded", "code", "error"]
    list_select_related = ["delivery"]
    list_filter = [DeliveryFilter]
    readonly_fields = ["delivery", "started_at", "duration_ms", "succeeded", "code", "error"]
    fields = readonly_fields
