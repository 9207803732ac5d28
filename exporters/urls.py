"""Addresses of exporters, and the event with its exports (included before the events' own)."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from exporters.event_detail import ExportedEventDetailView
from exporters.views import ExporterViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("exporters", ExporterViewSet)

urlpatterns = [
    path("api/v1/", include(router.urls)),
    path("api/v1/events/<int:pk>", ExportedEventDetailView.as_view(), name="event-detail"),
]
