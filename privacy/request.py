"""What a request to export or to erase asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

import msgspec
from msgspec import Meta

from anpr_project.lib.errors import FieldError
from anpr_project.lib.reasons import LONGEST, SHORTEST, checked
from anpr_project.lib.structs import converted
from anpr_project.lib.text import PLAIN_PATTERN
from events.plates import MAX_LENGTH, normalize

MOST_PLATES = 20
Plate = Annotated[str, Meta(min_length=1, max_length=64, pattern=PLAIN_PATTERN)]
Reason = Annotated[str, Meta(min_length=SHORTEST, max_length=LONGEST, pattern=PLAIN_PATTERN)]


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /plates/erase."""

    plate: Plate
    reason: Reason
    # Misreads of it that are to go as well.
    also: Annotated[tuple[Plate, ...], Meta(max_length=MOST_PLATES - 1)] = ()
    dry_run: bool = False


def plate_of(text: str, field: str = "plate") -> str:
    """Return the plate normalised; one plate, not a pattern."""
    plate = normalize(text)
    if not 1 <= len(plate) <= MAX_LENGTH:
        raise FieldError(field, "invalid", f"Expected 1 to {MAX_LENGTH} letters and digits.")
    if "*" in text or "?" in text:
        raise FieldError(field, "invalid", "Expected one plate, without * and ?.")
    return plate


def plates_of(plate: str, also: Sequence[str]) -> list[str]:
    """Return the plates normalised, each once, the wanted one first."""
    others = [plate_of(text, "also") for text in also]
    return list(dict.fromkeys([plate_of(plate), *others]))


@dataclass(frozen=True)
class Wish:
    plates: Sequence[str]
    reason: str
    dry_run: bool

    @classmethod
    def parse(cls, body: Any) -> Self:
        asked = converted(body, Body)
        plates = plates_of(asked.plate, asked.also)
        return cls(plates, checked(asked.reason, "reason"), asked.dry_run)
