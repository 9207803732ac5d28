"""API of model configurations."""

from __future__ import annotations

from anpr_project.lib.viewsets import ConfigViewSet
from models_cfg.filters import ModelConfigFilterSet
from models_cfg.models import ModelConfig
from models_cfg.serializers import ModelConfigSerializer


class ModelConfigViewSet(ConfigViewSet[ModelConfig]):
    """Networks that sensors run: one row for each version, with its weights and parameters."""

    queryset = ModelConfig.objects.all()
    serializer_class = ModelConfigSerializer
    filterset_class = ModelConfigFilterSet
    search_fields = ["name", "version", "weights_path"]
    ordering_fields = ["id", "name", "version", "model_type", "created_at", "updated_at"]
