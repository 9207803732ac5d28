"""HTTP addresses of evidence."""

from __future__ import annotations

from django.urls import path

from evidence.views import EvidenceView, KeysView

urlpatterns = [
    path("api/v1/events/evidence", EvidenceView.as_view(), name="evidence"),
    path("api/v1/evidence/keys", KeysView.as_view(), name="evidence-keys"),
]
