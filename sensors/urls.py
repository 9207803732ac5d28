"""Addresses of sensors, below /api/v1/config/."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from sensors.views import SensorViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("sensors", SensorViewSet)

urlpatterns = router.urls
