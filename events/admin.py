"""Admin pages of events, to look at: an event is never changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold import paginator
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import RangeDateTimeFilter, RelatedDropdownFilter
from unfold.contrib.filters.admin.text_filters import TextFilter

from anpr_project.lib.auditing import reason_of, write_down
from anpr_project.lib.errors import FieldError
from audit.models import Action
from events.conditions import OneWord
from events.holds.admin import LegalHoldAdmin  # noqa: F401 - registers its page
from events.lookups import spellings
from events.models import PlateEvent, TpmsReading
from events.plates import normalize

View = Callable[..., HttpResponse]
MAX_PAGES = 100
NOTHING = "-"


# Under its base's name: by that unfold's pages know not to show the count.
class InfinitePaginator(paginator.InfinitePaginator):  # type: ignore[misc]  # unfold has no types
    """Pages without COUNT(*), and not endlessly many: a far OFFSET reads all that it skips."""

    @property
    def count(self) -> int:
        return int(self.per_page) * MAX_PAGES


class RegionFilter(TextFilter):  # type: ignore[misc]  # unfold has no types
    """A text to type: a list of all regions would have to read all events."""

    title = "region"
    parameter_name = "region"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return (
            queryset.filter(OneWord("region", "region", spellings([value])).q)
            if value
            else queryset
        )


class CapturedFilter(RangeDateTimeFilter):  # type: ignore[misc]  # unfold has no types
    """A range of capture times in the server's time zone (unfold's own knows no zone)."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        for bound, lookup in (("from", "gte"), ("to", "lt")):
            moment = self._moment(bound)
            if moment is not None:
                queryset = queryset.filter(**{f"captured_at__{lookup}": moment})
        return queryset

    def _moment(self, bound: str) -> datetime | None:
        day = self.used_parameters.get(f"captured_at_{bound}_0")
        time = self.used_parameters.get(f"captured_at_{bound}_1") or "00:00"
        try:
            local = timezone.make_aware(datetime.fromisoformat(f"{day}T{time}"))
            return local.astimezone(UTC)
        except (ValueError, OverflowError):
            return None


def writes_down(action: Action) -> Callable[[View], View]:
    """Make a page of events ask why, where that is demanded, and write down who looked."""

    def decorate(view: View) -> View:
        @wraps(view)
        def looking(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                reason = reason_of(request)
            except FieldError:
                query = urlencode({"next": request.get_full_path()})
                return HttpResponseRedirect(f"{reverse('reason')}?{query}")
            answer = view(self, request, *args, **kwargs)
            if answer.status_code == 200:
                subject: dict[str, Any] = {"page": request.path}
                if request.GET:
                    subject["query"] = dict(request.GET.lists())
                if event := getattr(answer, "context_data", {}).get("original"):
                    subject["event"] = event.pk
                write_down(request, action, subject, reason=reason)
            return answer

        return looking

    return decorate


class Tyres(TabularInline):  # type: ignore[misc]  # unfold has no types
    model = TpmsReading
    fields = ["tyre_id", "model", "pressure_kpa", "temperature_c", "battery_ok"]
    readonly_fields = fields
    extra = 0
    can_delete = False
    verbose_name_plural = "tyres heard"

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("events.view_plateevent")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def picture(event: PlateEvent, kind: str, *, width: int, height: int | None = None) -> str:
    """Return the image as the API shows it: without metadata, to who may see the event.

    Without the plate's letters: on a list of cameras nobody is asked why, and nothing written down.
    """
    if not getattr(event, kind):
        return NOTHING
    address = reverse(f"event-{kind}", args=[event.pk])
    return format_html(
        '<a href="{}"><img src="{}" width="{}" {} alt="{} of event {}" loading="lazy"></a>',
        *(address, address, width, format_html('height="{}"', height) if height else ""),
        *(kind, event.pk),
    )


@admin.register(PlateEvent)
class PlateEventAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    # Methods, not fields: a click on a column must not sort a hundred million rows.
    list_display = [
        "plate_column",
        "crop_column",
        "camera_column",
        "zone_column",
        "confidence_column",
        "captured_column",
        "received_column",
    ]
    list_filter = [
        ("camera", RelatedDropdownFilter),
        ("zone", RelatedDropdownFilter),
        RegionFilter,
        ("captured_at", CapturedFilter),
    ]
    list_filter_submit = True
    list_select_related = ["camera", "zone"]
    list_per_page = 50
    search_fields = ["plate_normalized"]
    search_help_text = "Beginning of the plate"
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = InfinitePaginator
    first_step = "No read yet: give a sensor its key and let it send, or run make demo."
    actions = None
    inlines = [Tyres]
    fieldsets = [
        (None, {"fields": ["plate", "crop_picture", "confidence", "region", "candidates"]}),
        ("Where and when", {"fields": ["camera", "zone", "sensor", "captured_at", "received_at"]}),
        ("Picture", {"fields": ["frame_picture"]}),
        ("Vehicle", {"fields": ["vehicle", "bbox", "location"]}),
        ("Record", {"fields": ["event_id", "sequence", "position", "frame_sha256", "crop_sha256"]}),
    ]
    readonly_fields = [field for _, group in fieldsets for field in group["fields"]]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PlateEvent]:
        rows: QuerySet[PlateEvent] = super().get_queryset(request)
        return rows.select_related("camera", "zone", "sensor")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[PlateEvent], search_term: str
    ) -> tuple[QuerySet[PlateEvent], bool]:
        """Search by the beginning, as the index can; a text without letter or digit finds none."""
        if not search_term:
            return queryset, False
        plate = normalize(search_term)
        found = queryset.filter(plate_normalized__startswith=plate) if plate else queryset.none()
        return found, False

    @writes_down(Action.SEARCH)
    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer: HttpResponse = super().changelist_view(request, *args, **kwargs)
        return answer

    @writes_down(Action.READ)
    def change_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        answer: HttpResponse = super().change_view(request, object_id, *args, **kwargs)
        return answer

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.display(description="plate")
    def plate_column(self, event: PlateEvent) -> str:
        return event.plate

    @admin.display(description="crop")
    def crop_column(self, event: PlateEvent) -> str:
        return picture(event, "crop", width=104, height=32)

    @admin.display(description="camera", empty_value=NOTHING)
    def camera_column(self, event: PlateEvent) -> str | None:
        return event.camera.name if event.camera else None

    @admin.display(description="zone", empty_value=NOTHING)
    def zone_column(self, event: PlateEvent) -> str | None:
        return event.zone.name if event.zone else None

    @admin.display(description="confidence")
    def confidence_column(self, event: PlateEvent) -> str:
        return f"{event.confidence:.0%}"

    @admin.display(description="captured")
    def captured_column(self, event: PlateEvent) -> Any:
        return event.captured_at

    @admin.display(description="received")
    def received_column(self, event: PlateEvent) -> Any:
        return event.received_at

    @admin.display(description="frame")
    def frame_picture(self, event: PlateEvent) -> str:
        return picture(event, "frame", width=720)

    @admin.display(description="crop")
    def crop_picture(self, event: PlateEvent) -> str:
        return picture(event, "crop", width=208)

    @admin.display(description="other possible readings", empty_value=NOTHING)
    def candidates(self, event: PlateEvent) -> str | None:
        others = event.details.get("candidates", ())
        lines = ((other["plate"], f"{other['confidence']:.0%}") for other in others)
        return format_html_join(", ", "{} ({})", lines) or None

    @admin.display(empty_value=NOTHING)
    def vehicle(self, event: PlateEvent) -> str | None:
        known = event.details.get("vehicle") or {}
        return ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in known.items())

    @admin.display(description="plate's box (x, y, width, height)", empty_value=NOTHING)
    def bbox(self, event: PlateEvent) -> str | None:
        box = event.details.get("bbox")
        return box and ", ".join(f"{value:g}" for value in box)

    @admin.display(empty_value=NOTHING)
    def location(self, event: PlateEvent) -> str | None:
        place = event.details.get("location")
        return place and f"{place['latitude']}, {place['longitude']}"

    @admin.display(empty_value=NOTHING)
    def sequence(self, event: PlateEvent) -> Any:
        return event.details.get("sequence")
