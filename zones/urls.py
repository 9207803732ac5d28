"""Addresses of zones, below /api/v1/config/."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from zones.views import ZoneViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("zones", ZoneViewSet)

urlpatterns = router.urls
