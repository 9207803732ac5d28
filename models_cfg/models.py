"""Model configurations: which networks the edge sensors are to run."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from anpr_project.lib.models import ConfigModel
from anpr_project.lib.text import PlainJSONField, PlainTextField
from models_cfg.parameters import validate_parameters


class ModelType(models.TextChoices):
    VEHICLE_DETECTOR = "vehicle_detector"
    PLATE_DETECTOR = "plate_detector"
    OCR = "ocr", "OCR"
    VEHICLE_CLASSIFIER = "vehicle_classifier"


class ModelConfig(ConfigModel):
    """One version of a network: its weights and its parameters."""

    name = PlainTextField(max_length=100)
    version = PlainTextField(max_length=50)
    model_type = models.CharField(max_length=32, choices=ModelType)
    weights_path = PlainTextField(max_length=500)
    weights_sha256 = models.CharField(
        "weights SHA-256",
        max_length=64,
        blank=True,
        default="",
        validators=[RegexValidator("^[0-9a-f]{64}$", "Expected 64 lower-case hex digits.")],
    )
    parameters = PlainJSONField(default=dict, blank=True)
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["id"]
        verbose_name = "model"
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="model_version_is_unique"),
            models.CheckConstraint(
                condition=Q(model_type__in=ModelType.values), name="model_type_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def clean(self) -> None:
        if self.model_type not in ModelType.values:
            return
        try:
            validate_parameters(self.model_type, self.parameters)
        except ValidationError as error:
            raise ValidationError({"parameters": error}) from None
