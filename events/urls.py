"""HTTP addresses below /api/v1/events."""

from __future__ import annotations

from django.urls import path
from rest_framework.routers import SimpleRouter

from events.browse import (
    EventConfidenceView,
    EventDetailView,
    EventListView,
    EventStatsView,
)
from events.download.views import EventDownloadView
from events.holds.views import LegalHoldViewSet
from events.views import BatchIngestView, IngestView, PictureView

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("api/v1/holds", LegalHoldViewSet)

urlpatterns = [
    *router.urls,
    path("api/v1/events", EventListView.as_view(), name="event-list"),
    path("api/v1/events/stats", EventStatsView.as_view(), name="event-stats"),
    path("api/v1/events/stats/confidence", EventConfidenceView.as_view(), name="event-confidence"),
    path("api/v1/events/export", EventDownloadView.as_view(), name="event-download"),
    path("api/v1/events/<int:pk>", EventDetailView.as_view(), name="event-detail"),
    path("api/v1/events/ingest", IngestView.as_view(), name="event-ingest"),
    path("api/v1/events/ingest/batch", BatchIngestView.as_view(), name="event-ingest-batch"),
    path("api/v1/events/<int:pk>/frame", PictureView.as_view(kind="frame"), name="event-frame"),
    path("api/v1/events/<int:pk>/crop", PictureView.as_view(kind="crop"), name="event-crop"),
]
