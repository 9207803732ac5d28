"""Which events an exporter wants: said once, asked of an object by fan-out and of the database."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import cached_property
from typing import Annotated

import msgspec
from django.db.models import Q
from msgspec import Meta

from anpr_project.lib.text import PLAIN_PATTERN
from events import lookups  # noqa: F401 - plates are asked for by the one it registers
from events.models import PlateEvent
from events.plates import WILDCARDS, normalize_pattern
from events.readings import Ratio
from exporters.models import ExporterConfig

Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Ids = Annotated[tuple[Id, ...], Meta(max_length=1000)]
Pattern = Annotated[str, Meta(min_length=1, max_length=64, pattern=PLAIN_PATTERN)]


class Filters(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True, eq=False
):
    """All that are given must hold; of a list, any member. Plates may hold `*` and `?`."""

    cameras: Ids = ()
    zones: Ids = ()
    plates: Annotated[tuple[Pattern, ...], Meta(max_length=200)] = ()
    min_confidence: Ratio | None = None

    def check(self) -> None:
        """Raise ValueError("field: problem") for a pattern that would match every plate or none."""
        for index, pattern in enumerate(self.plates):
            if not normalize_pattern(pattern).strip(WILDCARDS):
                raise ValueError(f"plates.{index}: Expected at least one letter or digit.")

    @cached_property
    def _patterns(self) -> list[str]:
        # `**` finds what `*` finds.
        return [re.sub(r"\*+", "*", normalize_pattern(pattern)) for pattern in self.plates]

    @cached_property
    def _plates(self) -> re.Pattern[str]:
        # fnmatch's translation never backtracks into an earlier `*`, so no pattern is slow.
        return re.compile("|".join(translate(pattern) for pattern in self._patterns))

    @cached_property
    def _cameras(self) -> frozenset[int]:
        return frozenset(self.cameras)

    @cached_property
    def _zones(self) -> frozenset[int]:
        return frozenset(self.zones)

    def matches(self, event: PlateEvent) -> bool:
        """Whether the exporter wants the event; needs no database."""
        if self.cameras and event.camera_id not in self._cameras:
            return False
        if self.zones and event.zone_id not in self._zones:
            return False
        if self.min_confidence is not None and event.confidence < self.min_confidence:
            return False
        return not self.plates or self._plates.match(event.plate_normalized) is not None

    @property
    def q(self) -> Q:
        """The same for the database."""
        wanted = Q()
        if self.cameras:
            wanted &= Q(camera__in=self.cameras)
        if self.zones:
            wanted &= Q(zone__in=self.zones)
        if self.min_confidence is not None:
            wanted &= Q(confidence__gte=self.min_confidence)
        plates = Q()
        for pattern in self._patterns:
            is_pattern = any(wildcard in pattern for wildcard in WILDCARDS)
            plates |= Q(
                ("plate_normalized__wildcard" if is_pattern else "plate_normalized", pattern)
            )
        return wanted & plates


def filters_of(exporter: ExporterConfig) -> Filters:
    """Return the filters alone, which can be read although a secret cannot."""
    return msgspec.convert(exporter.filters, Filters)
