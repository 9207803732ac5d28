"""What a sensor sends: one plate reading, decoded and checked in one pass.

msgspec checks types, ranges and time zones while it parses, at a fortieth of the cost of a
serializer with the same fields (5 and 225 microseconds).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from anpr_project.lib.errors import FieldError
from anpr_project.lib.structs import field_error
from anpr_project.lib.text import END, PLAIN_PATTERN
from events.plates import MAX_LENGTH, normalize

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

Plate = Annotated[str, Meta(min_length=1, max_length=MAX_LENGTH, pattern=PLAIN_PATTERN)]
Word = Annotated[str, Meta(max_length=64, pattern=PLAIN_PATTERN)]
Ratio = Annotated[float, Meta(ge=0, le=1)]
Moment = Annotated[datetime, Meta(tz=True)]
Pixels = Annotated[float, Meta(ge=0, le=100_000)]
TyreId = Annotated[str, Meta(pattern=f"^(0[xX])?[0-9A-Fa-f]{{1,16}}{END}")]


class Candidate(msgspec.Struct, frozen=True):
    plate: Plate
    confidence: Ratio


class Vehicle(msgspec.Struct, frozen=True, omit_defaults=True):
    type: Word | None = None
    make: Word | None = None
    model: Word | None = None
    color: Word | None = None
    year: Annotated[int, Meta(ge=1880, le=2200)] | None = None
    direction: Word | None = None
    speed_kmh: Annotated[float, Meta(ge=0, le=1000)] | None = None


class Location(msgspec.Struct, frozen=True):
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]


class Tyre(msgspec.Struct, frozen=True):
    """One tyre-pressure message; ids are hex, some radios print them as (even negative) integers."""

    id: TyreId | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    model: Word = ""
    pressure_kpa: Annotated[float, Meta(ge=-200, le=2000)] | None = None
    temperature_c: Annotated[float, Meta(ge=-100, le=300)] | None = None
    battery_ok: bool | None = None

    @property
    def hex_id(self) -> str:
        if isinstance(self.id, str):
            return self.id.lower().removeprefix("0x")
        # A 32-bit id printed as signed: back to what the radio sent.
        return f"{self.id % 2**32 if self.id < 0 else self.id:08x}"


class PlateReading(msgspec.Struct, frozen=True):
    """One reading. Only the first three fields are required; unknown fields are ignored."""

    plate: Plate
    confidence: Ratio
    captured_at: Moment
    event_id: UUID | None = None
    camera: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None
    region: Annotated[str, Meta(max_length=16, pattern=PLAIN_PATTERN)] = ""
    candidates: Annotated[tuple[Candidate, ...], Meta(max_length=50)] = ()
    bbox: tuple[Pixels, Pixels, Pixels, Pixels] | None = None
    sequence: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None
    vehicle: Vehicle | None = None
    location: Location | None = None
    tpms: Annotated[tuple[Tyre, ...], Meta(max_length=50)] = ()

    def check(self) -> None:
        """Refuse what types alone cannot: times out of range, plates without letter or digit."""
        try:
            captured_at = self.captured_at.astimezone(UTC)
        except OverflowError:
            captured_at = None
        if captured_at is None or not EARLIEST <= captured_at < LATEST:
            raise FieldError(
                "captured_at", "out_of_range", "Expected a time from the years 1970 to 2199."
            )
        if not 1 <= len(normalize(self.plate)) <= MAX_LENGTH:
            raise FieldError(
                "plate", "invalid", f"Expected 1 to {MAX_LENGTH} letters and digits in the plate."
            )


_decoder = msgspec.json.Decoder(PlateReading)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def _decode(raw: bytes) -> PlateReading:
    """Take null for a field that was left out: clients with typed models send all their fields."""
    try:
        return _decoder.decode(raw)
    except msgspec.ValidationError as error:
        if "got `null`" not in str(error):
            raise
    return msgspec.convert(_without_nulls(msgspec.json.decode(raw)), PlateReading)


def decode_reading(raw: bytes) -> PlateReading:
    """Return the checked reading of a JSON document.

    Raises FieldError, which names the field, or says that the JSON itself is broken.
    """
    try:
        reading = _decode(raw)
    except msgspec.ValidationError as error:
        raise field_error(error) from None
    except RecursionError:
        raise FieldError("event", "depth", "JSON nested too deep.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FieldError("event", "json", f"Not valid JSON: {error}") from None
    reading.check()
    return reading


def canonical(reading: PlateReading) -> bytes:
    """Return the same bytes for the same content, however its JSON was written."""
    return msgspec.json.encode(reading)
