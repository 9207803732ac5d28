"""Addresses of cameras, below /api/v1/config/."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from cameras.views import CameraViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("cameras", CameraViewSet)

urlpatterns = router.urls
