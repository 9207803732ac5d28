"""The filters of list, statistics and stream: parsed once, applied in SQL or in Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import msgspec
from django.db.models import QuerySet

from anpr_project.lib.errors import FieldError
from anpr_project.lib.text import forbidden_character
from events.conditions import (
    AtLeast,
    Before,
    Condition,
    HasPicture,
    HeardTyre,
    OneOf,
    OneWord,
    PlateLike,
)
from events.lookups import spellings
from events.models import PlateEvent
from events.plates import MAX_LENGTH, normalize, normalize_pattern
from events.readings import EARLIEST, LATEST, Moment

MAX_VALUES = 100
MAX_TEXT = 200
MAX_ID = 2**63 - 1
# Each is the beginning of an index whose next column is the time.
PLACES = frozenset({"camera_id", "zone_id"})
_tyre_id = re.compile(r"(0x)?(?P<digits>[0-9a-f]{1,16})")
_space_for_plus = re.compile(r" (?=\d\d:\d\d$)")
_true_or_false = {"true": True, "1": True, "false": False, "0": False}


Events = TypeVar("Events", bound=QuerySet[PlateEvent])


@dataclass(frozen=True)
class EventFilter:
    """Conditions that must all hold; `similar` is a plate whose look-alikes are wanted, or empty."""

    conditions: tuple[Condition, ...] = ()
    similar: str = ""

    @property
    def has_one_plan(self) -> bool:
        """Whether the list of these is a stretch of one index, whatever the values are."""
        return all(
            condition.field == "captured_at"
            or (isinstance(condition, PlateLike) and not condition.is_pattern)
            for condition in self.conditions
        )

    @property
    def only_place(self) -> OneOf | None:
        """The one camera or zone that is asked for with nothing but times: a stretch of its index."""
        others = [condition for condition in self.conditions if condition.field != "captured_at"]
        if len(others) != 1 or not isinstance(others[0], OneOf):
            return None
        place = others[0]
        return place if place.field in PLACES and len(place.ids) == 1 else None

    def apply(self, queryset: Events) -> Events:
        """Narrow the queryset by everything but `similar`, which is a search of its own."""
        return queryset.filter(*(condition.q for condition in self.conditions))

    def matches(self, event: PlateEvent) -> bool:
        """Return what apply() would decide, without the database (tyres must be loaded)."""
        return all(condition.holds(event) for condition in self.conditions)


def one_value(name: str, values: Sequence[str]) -> str:
    if len(values) > 1:
        raise FieldError(name, "repeated", f"Expected {name} only once.")
    return values[0]


def parse_time(name: str, values: Sequence[str]) -> datetime:
    """Return the moment in UTC. No event is older or newer than the limits it is cut to."""
    # An unescaped + of the offset arrives as a space.
    text = _space_for_plus.sub("+", one_value(name, values))
    try:
        moment = msgspec.convert(text, Moment)
    except msgspec.ValidationError:
        raise FieldError(
            name, "invalid", "Expected a date and time with offset, like 2026-11-22T08:00:00Z."
        ) from None
    try:
        return min(max(moment.astimezone(UTC), EARLIEST), LATEST)
    except OverflowError:
        return EARLIEST if moment.year < EARLIEST.year else LATEST


def parse_whole(name: str, text: str, lowest: int, highest: int) -> int:
    if not re.fullmatch("[0-9]{1,19}", text) or not lowest <= int(text) <= highest:
        raise FieldError(name, "invalid", f"Expected a whole number from {lowest} to {highest}.")
    return int(text)


def _ids(field: str, name: str, values: Sequence[str]) -> Condition:
    return OneOf(name, field, frozenset(parse_whole(name, text, 1, MAX_ID) for text in values))


def _words(field: str, name: str, values: Sequence[str]) -> Condition:
    return OneWord(name, field, spellings(values))


def _from(field: str, name: str, values: Sequence[str]) -> Condition:
    return AtLeast(name, field, parse_time(name, values))


def _before(field: str, name: str, values: Sequence[str]) -> Condition:
    return Before(name, field, parse_time(name, values))


def _plate(field: str, name: str, values: Sequence[str]) -> Condition:
    pattern = re.sub(r"\*+", "*", normalize_pattern(one_value(name, values)))
    if not pattern.strip("*?"):
        raise FieldError(name, "invalid", "Expected at least one letter or digit.")
    return PlateLike(name, field, pattern)


def _confidence(field: str, name: str, values: Sequence[str]) -> Condition:
    try:
        bound = float(one_value(name, values))
    except ValueError:
        bound = -1
    if not 0 <= bound <= 1:  # not a number fails here too
        raise FieldError(name, "invalid", "Expected a number from 0 to 1.")
    return AtLeast(name, field, bound)


def parse_truth(name: str, values: Sequence[str]) -> bool:
    truth = _true_or_false.get(one_value(name, values).lower())
    if truth is None:
        raise FieldError(name, "invalid", "Expected true or false.")
    return truth


def _picture(field: str, name: str, values: Sequence[str]) -> Condition:
    return HasPicture(name, field, parse_truth(name, values))


def _tyre(field: str, name: str, values: Sequence[str]) -> Condition:
    found = _tyre_id.fullmatch(one_value(name, values).lower())
    if found is None:
        raise FieldError(name, "invalid", "Expected 1 to 16 hex digits.")
    return HeardTyre(name, field, found["digits"])


PARSERS: dict[str, Callable[[str, Sequence[str]], Condition]] = {
    "plate": partial(_plate, "plate_normalized"),
    "camera": partial(_ids, "camera_id"),
    "zone": partial(_ids, "zone_id"),
    "sensor": partial(_ids, "sensor_id"),
    "region": partial(_words, "region"),
    "min_confidence": partial(_confidence, "confidence"),
    "captured_after": partial(_from, "captured_at"),
    "captured_before": partial(_before, "captured_at"),
    "received_after": partial(_from, "received_at"),
    "received_before": partial(_before, "received_at"),
    "vehicle_type": partial(_words, "vehicle_type"),
    "vehicle_make": partial(_words, "vehicle_make"),
    "vehicle_color": partial(_words, "vehicle_color"),
    "tpms_id": partial(_tyre, "tyres"),
    "has_frame": partial(_picture, "frame"),
}


def _check_values(name: str, values: Sequence[str]) -> None:
    if len(values) > MAX_VALUES:
        raise FieldError(name, "too_many", f"Expected at most {MAX_VALUES} values.")
    for text in values:
        character = forbidden_character(text)
        if character:
            raise FieldError(name, "character", f"The character {character} is not allowed here.")
        if not text or len(text) > MAX_TEXT:
            raise FieldError(name, "invalid", f"Expected 1 to {MAX_TEXT} characters.")


def _parse_similar(name: str, values: Sequence[str]) -> str:
    plate = normalize(one_value(name, values))
    if not 1 <= len(plate) <= MAX_LENGTH:
        raise FieldError(name, "invalid", f"Expected 1 to {MAX_LENGTH} letters and digits.")
    return plate


def parse_filter(
    query: Mapping[str, Sequence[str]],
    *,
    ignore: Collection[str] = (),
    similar_allowed: bool = False,
) -> EventFilter:
    """Return the filter that a query asks for; FieldError names the parameter that is wrong.

    `ignore` are parameters that the caller reads itself; `similar` is for the list alone.
    """
    conditions, similar = [], ""
    for name, values in query.items():
        if name in ignore or not values:
            continue
        if name == "similar" and not similar_allowed:
            raise FieldError(name, "unsupported", "Only the list of events can be asked for this.")
        if name != "similar" and name not in PARSERS:
            raise FieldError(name, "unknown", "There is no parameter of this name.")
        _check_values(name, values)
        if name == "similar":
            similar = _parse_similar(name, values)
        else:
            conditions.append(PARSERS[name](name, values))
    return EventFilter(tuple(conditions), similar)
