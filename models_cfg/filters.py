"""Query filters of the models' list."""

from __future__ import annotations

from django_filters import ChoiceFilter

from anpr_project.lib.filters import ConfigFilterSet, TextFilter
from models_cfg.models import ModelConfig, ModelType


class ModelConfigFilterSet(ConfigFilterSet):
    name = TextFilter()
    version = TextFilter()
    model_type = ChoiceFilter(choices=ModelType.choices)

    class Meta(ConfigFilterSet.Meta):
        model = ModelConfig
        fields = ["name", "version", "model_type", "enabled"]
