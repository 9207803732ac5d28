"""Admin pages of model configurations."""

from __future__ import annotations

from anpr_project.lib.admin import ConfigAdmin


class ModelConfigAdmin(ConfigAdmin):
    list_display = ["name", "version", "model_type", "weights_path", "enabled", "updated_at"]
    list_filter = ["model_type", "enabled"]
    search_fields = ["name", "version"]
    first_step = "No model yet: add the networks that the sensors are to run."
