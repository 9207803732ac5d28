"""Reading events over HTTP: the list with its search, one event, the statistics."""

from __future__ import annotations

from typing import Any

import msgspec
from drf_spectacular.utils import extend_schema
from msgspec.structs import asdict
from rest_framework.generics import GenericAPIView, get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from anpr_project.lib.auditing import reason_of, write_down
from audit.models import Action
from events import documentation
from events.filters import parse_filter
from events.models import PlateEvent
from events.representation import EventView, represent, represent_rows
from events.search import keyset
from events.search.pattern_pages import read_page
from events.search.similar import Match, look_alikes
from events.statistics.confidence import Confidence, confidence_by_camera
from events.statistics.summary import Statistics, StatsRequest, statistics


class FoundEvent(EventView, frozen=True, kw_only=True):
    """An event of a look-alike search."""

    match: Match


class EventDetail(EventView, frozen=True, kw_only=True):
    exports: tuple[Any, ...] = ()


class EventPage(msgspec.Struct, frozen=True):
    next: str | None
    previous: str | None
    results: list[EventView | FoundEvent]


class EventReader(GenericAPIView[PlateEvent]):
    """Base of what everybody may call who may see events (DEFAULT_PERMISSION_CLASSES)."""

    queryset = PlateEvent.objects.with_parts()

    @property
    def query(self) -> dict[str, list[str]]:
        return dict(self.request.query_params.lists())

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # Asked before anything is looked up.
        self.reason = reason_of(request)

    def record(self, action: Action, *, found: int | None = None, **subject: Any) -> None:
        """Write down the look, before its answer leaves."""
        what = {"query": self.query} | subject if self.query else subject
        write_down(self.request, action, what, reason=self.reason, found=found)


class EventListView(EventReader):
    @extend_schema(**documentation.EVENT_LIST)
    def get(self, request: Request) -> Response:
        """Newest first. `next` and `previous` are whole addresses with the same filters."""
        wanted = parse_filter(self.query, ignore=keyset.PARAMETERS, similar_allowed=True)
        asked = keyset.PageRequest.parse(self.query)
        matches = look_alikes(wanted.similar) if wanted.similar else {}
        page = read_page(asked, wanted, matches)
        self.record(Action.SEARCH, found=len(page.events))
        url = request.build_absolute_uri()
        return Response(
            EventPage(
                next=keyset.link(url, page.next),
                previous=keyset.link(url, page.previous),
                results=[_listed(view, matches) for view in represent_rows(page.events)],
            )
        )


def _listed(view: EventView, matches: dict[str, Match]) -> EventView | FoundEvent:
    match = matches.get(view.plate_normalized)
    return FoundEvent(**asdict(view), match=match) if match else view


class EventDetailView(EventReader):
    @extend_schema(**documentation.EVENT_DETAIL)
    def get(self, request: Request, pk: int) -> Response:
        """One event."""
        event = get_object_or_404(PlateEvent.objects.with_parts().by_id(pk))
        self.record(Action.READ, event=event.pk, found=1)
        return Response(EventDetail(**asdict(represent(event)), exports=self.exports(event)))

    def exports(self, event: PlateEvent) -> tuple[Any, ...]:
        """Return where the event was delivered; the exporters, which know, say it in a subclass."""
        return ()


class EventStatsView(EventReader):
    @extend_schema(**documentation.EVENT_STATS)
    def get(self, request: Request) -> Response:
        """Exact, up to the newest event; what is not says so in its `…_approximate`."""
        found: Statistics = statistics(StatsRequest.parse(self.query))
        self.record(Action.STATISTICS, found=found.total)
        return Response(found)


class EventConfidenceView(EventReader):
    @extend_schema(**documentation.EVENT_CONFIDENCE)
    def get(self, request: Request) -> Response:
        """Mean confidence of each camera in each bucket of time: what drifts, and since when."""
        found: Confidence = confidence_by_camera(StatsRequest.parse(self.query))
        return Response(found)
