"""Admin pages of model configurations."""

from __future__ import annotations

from django.contrib import admin

from anpr_project.lib.admin import ConfigAdmin
from models_cfg.models import ModelConfig


@admin.register(ModelConfig)
class ModelConfigAdmin(ConfigAdmin):
    list_display = ["name", "version", "model_type", "weights_path", "enabled", "updated_at"]
    list_filter = ["model_type", "enabled"]
    search_fields = ["name", "version"]
