"""Addresses of models, below /api/v1/config/."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from models_cfg.views import ModelConfigViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("models", ModelConfigViewSet)

urlpatterns = router.urls
