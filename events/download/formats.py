"""The files in which events are downloaded, written page by page."""

from __future__ import annotations

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from anpr_project.lib.csv_columns import guarded
from anpr_project.lib.json_format import encode
from events.representation import EventView
from events.search.similar import Match

BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
INCOMPLETE = (
    "INCOMPLETE: the database did not answer, and events are missing from here on. "
    "Download again, or in smaller ranges of time."
)

# An event, and why it was found by a look-alike search.
Found = tuple[EventView, Match | None]


class FileFormat(ABC):
    """One kind of file; its pieces, joined, are the file."""

    extension: str
    content_type: str

    @abstractmethod
    def head(self) -> bytes: ...

    @abstractmethod
    def page(self, found: Sequence[Found], *, is_first: bool) -> bytes: ...

    @abstractmethod
    def broken_off(self) -> bytes:
        """Return an end that nobody takes for the whole file: not every server can abort one."""

    def end(self) -> bytes:
        return b""


def _encoded(found: Found) -> bytes:
    view, match = found
    return encode(view if match is None else msgspec.structs.asdict(view) | {"match": match})


class JSONLines(FileFormat):
    extension, content_type = "ndjson", "application/x-ndjson"

    def head(self) -> bytes:
        return b""

    def page(self, found: Sequence[Found], *, is_first: bool) -> bytes:
        return b"".join(_encoded(one) + b"\n" for one in found)

    def broken_off(self) -> bytes:
        return encode({"error": INCOMPLETE}) + b"\n"


class JSONArray(FileFormat):
    extension, content_type = "json", "application/json"

    def head(self) -> bytes:
        return b"["

    def page(self, found: Sequence[Found], *, is_first: bool) -> bytes:
        separator = b"\n" if is_first else b",\n"
        return (separator if found else b"") + b",\n".join(map(_encoded, found))

    def broken_off(self) -> bytes:
        return b"\n" + INCOMPLETE.encode()  # which is no JSON

    def end(self) -> bytes:
        return b"\n]\n"


def cell(value: Any) -> Any:
    """Return what a spreadsheet shows as it is: what others wrote is never taken for a formula."""
    if isinstance(value, str):
        return guarded(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value


def _of(path: str) -> Callable[[EventView], Any]:
    """Return a reader of the attribute at `path`; None where there is nothing."""

    def read(view: EventView) -> Any:
        value: Any = view
        for name in path.split("."):
            value = getattr(value, name, None)
        return value

    return read


def _candidates(view: EventView) -> str:
    return " ".join(f"{one.plate}:{one.confidence:g}" for one in view.candidates)


COLUMNS: dict[str, Callable[[EventView], Any]] = {
    **{
        name: _of(name)
        for name in (
            *("id", "event_id", "plate", "plate_normalized", "confidence", "region"),
            *("captured_at", "received_at", "sensor", "sensor_name", "camera", "camera_name"),
            *("zone", "zone_name"),
        )
    },
    **{
        f"vehicle_{name}": _of(f"vehicle.{name}")
        for name in ("type", "make", "model", "color", "year", "direction", "speed_kmh")
    },
    "latitude": _of("location.latitude"),
    "longitude": _of("location.longitude"),
    "sequence": _of("sequence"),
    "candidates": _candidates,
    "tpms_ids": lambda view: " ".join(tyre.id for tyre in view.tpms),
    **{name: _of(name) for name in ("frame_url", "frame_sha256", "crop_url", "crop_sha256")},
}


class CSVTable(FileFormat):
    extension, content_type = "csv", "text/csv; charset=utf-8"

    def __init__(self, *, marked: bool, matched: bool) -> None:
        self.marked, self.matched = marked, matched

    def head(self) -> bytes:
        names = [*COLUMNS, *(("match_score", "match_reason") if self.matched else ())]
        return (BYTE_ORDER_MARK if self.marked else "").encode() + self._lines([names])

    def page(self, found: Sequence[Found], *, is_first: bool) -> bytes:
        return self._lines(map(self._row, found))

    def broken_off(self) -> bytes:
        return self._lines([[INCOMPLETE]])

    def _row(self, found: Found) -> list[Any]:
        view, match = found
        row = [cell(read(view)) for read in COLUMNS.values()]
        if match is not None:
            row += [match.score, cell(match.reason)]
        return row

    def _lines(self, rows: Any) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        return text.getvalue().encode()


NAMES = ("csv", "json", "ndjson")


def file_format(name: str, *, marked: bool, matched: bool) -> FileFormat:
    """Return the format of that name; `marked` is CSV with a byte order mark, for Excel."""
    match name:
        case "json":
            return JSONArray()
        case "ndjson":
            return JSONLines()
    return CSVTable(marked=marked, matched=matched)
