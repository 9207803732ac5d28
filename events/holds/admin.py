"""Admin pages of legal holds: to place one, to look at it, to lift it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from anpr_project.lib.admin import ConfigAdmin, ago
from events.holds.models import LegalHold
from events.models import PlateEvent

STATES = {"in force": "warning", "lifted": "info"}
# More are not counted: it would read them all.
COUNTED = 10_000


@admin.register(LegalHold)
class LegalHoldAdmin(ConfigAdmin):
    list_display = ["name", "state", "what", "placed", "placed_by", "lifted_by"]
    search_fields = ["name", "plate"]
    autocomplete_fields = ["camera", "zone"]
    fields = ["name", "reason", *LegalHold.criteria]
    readonly_fields = ["placed_at", "placed_by", "lifted_at", "lifted_by", "events_held"]
    actions = ["lift"]
    first_step = "No hold yet: place one to keep events from being deleted by retention."

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*self.fields, *self.readonly_fields] if obj else self.fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.placed_by = request.user.get_username()
        super().save_model(request, obj, form, change)

    @display(description="state", label=STATES)  # type: ignore[untyped-decorator]  # unfold has no types
    def state(self, hold: LegalHold) -> str:
        return "lifted" if hold.lifted_at else "in force"

    @admin.display(description="what")
    def what(self, hold: LegalHold) -> str:
        return hold.in_words()

    @admin.display(description="placed", ordering="placed_at")
    def placed(self, hold: LegalHold) -> str | None:
        return ago(hold.placed_at)

    @admin.display(description="events held")
    def events_held(self, hold: LegalHold) -> str:
        found = PlateEvent.objects.filter(hold.condition).order_by()[: COUNTED + 1].count()
        return f"{found:,}" if found <= COUNTED else f"more than {COUNTED:,}"

    @admin.action(description="Lift: retention may delete again", permissions=["change"])
    def lift(self, request: HttpRequest, holds: QuerySet[LegalHold]) -> None:
        for hold in holds:
            if hold.lift(request.user.get_username()):
                self.log_change(request, hold, "Lifted.")
        messages.success(request, "The holds are lifted. What is past its retention goes soon.")
