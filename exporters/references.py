"""Checks that the cameras and zones of a filter exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cameras.models import Camera
from exporters.configuration import InvalidConfiguration, Problem
from exporters.matching import Filters
from zones.models import Zone


def _unknown(model: Any, field: str, ids: Sequence[int]) -> list[Problem]:
    known = set(model.objects.filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()
    return [
        Problem(f"filters.{field}.{index}", "does_not_exist", "There is no row with this id.")
        for index, wanted in enumerate(ids)
        if wanted not in known
    ]


def refuse_unknown(filters: Filters) -> None:
    """Raise InvalidConfiguration for ids that name nothing: such an exporter would stay silent."""
    problems = [
        *_unknown(Camera, "cameras", filters.cameras),
        *_unknown(Zone, "zones", filters.zones),
    ]
    if problems:
        raise InvalidConfiguration(problems)
