"""HTTP addresses of data-subject requests."""

from __future__ import annotations

from django.urls import path

from privacy.views import ErasureView, PlateCopyView

urlpatterns = [
    path("api/v1/plates/copy", PlateCopyView.as_view(), name="plate-copy"),
    path("api/v1/plates/erase", ErasureView.as_view(), name="plate-erase"),
]
