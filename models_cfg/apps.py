from __future__ import annotations

from django.apps import AppConfig


class ModelsCfgConfig(AppConfig):
    name = "models_cfg"
    verbose_name = "Models"
