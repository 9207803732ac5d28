"""What a CSV file would change, row by row: judged by the API's own serializer, stored on demand."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet

from anpr_project.lib.csv_columns import OMITTED, Column, ManyNamed
from anpr_project.lib.serializers import LARGEST_ID, ConfigSerializer

MAX_BYTES = 1024 * 1024
MAX_ROWS = 2000
csv.field_size_limit(MAX_BYTES)
NEW, CHANGED, SAME, WRONG = "new", "changed", "unchanged", "wrong"
Record = dict[str, str]


class Unreadable(Exception):
    """Why a file is refused as a whole, in words for who chose it."""


@dataclass(frozen=True)
class Difference:
    field: str
    before: str
    after: str


@dataclass
class Line:
    """One row of the file and what becomes of it."""

    number: int
    name: str
    state: str = SAME
    differences: list[Difference] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    serializer: ConfigSerializer[Any] | None = None

    def refuse(self, name: str, problem: str) -> None:
        self.state = WRONG
        self.problems.append((name, problem))


def read_records(data: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the header and the rows with their line numbers."""
    if len(data) > MAX_BYTES:
        raise Unreadable("The file is larger than 1 MB. Split it, or use the API.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("The file is not UTF-8. Save it as “CSV UTF-8”.") from None
    first = text.partition("\n")[0]
    # What spreadsheets write where the comma is the decimal sign.
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise Unreadable(f"Line {reader.line_num} is not CSV: {error}.") from None
    filled = [(number, row) for number, row in rows if any(row)]
    if len(filled) < 2:
        raise Unreadable("The file has no rows: expected a line of column names, then the rows.")
    if len(filled) > MAX_ROWS + 1:
        raise Unreadable(f"The file has more than {MAX_ROWS} rows. Split it, or use the API.")
    return [name.lower() for name in filled[0][1]], filled[1:]


class Plan:
    """Judges a file; `lines` tell what would become of each row."""

    def __init__(
        self,
        data: bytes,
        *,
        rows: QuerySet[Any],
        serializer: type[ConfigSerializer[Any]],
        columns: Sequence[Column],
    ) -> None:
        self.serializer, self.columns = serializer, {column.name: column for column in columns}
        header, records = read_records(data)
        self._check(header)
        self._known = _matches(
            rows, [dict(zip(header, cells, strict=False)) for _, cells in records]
        )
        self._seen: set[object] = set()
        self.lines = [self._line(number, header, cells) for number, cells in records]

    def _check(self, header: list[str]) -> None:
        known = ["id", *self.columns]
        unknown = [name for name in header if name not in known]
        if unknown:
            raise Unreadable(
                f"There is no column “{unknown[0][:50]}”. Known are: {', '.join(known)}."
            )
        if len(set(header)) < len(header):
            raise Unreadable("A column name is there twice.")
        if "name" not in header and "id" not in header:
            raise Unreadable("A column “name” or “id” is needed, to know the rows by.")

    def _line(self, number: int, header: list[str], cells: list[str]) -> Line:
        record = dict(zip(header, cells, strict=False))
        line = Line(number, record.get("name") or f"#{record.get('id', '')}")
        if len(cells) > len(header):
            line.refuse("", "There are more cells than columns.")
            return line
        instance = self._match(line, record)
        if instance is not None and not line.problems and self._is_as_exported(instance, record):
            return line
        values = self._values(line, record)
        if not line.problems:
            self._judge(line, instance, values)
        return line

    def _match(self, line: Line, record: Record) -> Any:
        """Return the row that is meant: by id if there is one, else by name."""
        wanted = record.get("id", "")
        instance = self._known.get(f"#{wanted}" if wanted else record.get("name", ""))
        if wanted and instance is None:
            line.refuse("id", "There is no row with this id. Leave it empty to add one.")
        key = record.get("name") if instance is None else instance.pk
        if key in self._seen:
            line.refuse("id" if wanted else "name", "An earlier line is about the same row.")
        self._seen.add(key)
        return instance

    def _is_as_exported(self, instance: Any, record: Record) -> bool:
        """Whether every cell is what an export would write: nothing to look up or to judge then."""
        columns = (self.columns[name] for name in record if name != "id")
        return all(column.cell(column.of(instance)) == record[column.name] for column in columns)

    def _values(self, line: Line, record: Record) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, cell in record.items():
            if name == "id":
                continue
            try:
                value = self.columns[name].parse(cell)
            except ValidationError as error:
                line.refuse(name, error.messages[0])
            else:
                values |= {} if value is OMITTED else {name: value}
        return values

    def _judge(self, line: Line, instance: Any, values: dict[str, Any]) -> None:
        is_new = instance is None
        serializer = self.serializer(
            instance, data=values, partial=not is_new, context={"from_text": True}
        )
        if not serializer.is_valid():
            for name, details in serializer.errors.items():
                for problem in _texts(details):
                    line.refuse("" if name == "non_field_errors" else name, problem)
            return
        line.differences = list(self._differences(instance, serializer.validated_data))
        if is_new or line.differences:
            line.state, line.serializer = (NEW if is_new else CHANGED), serializer

    def _differences(self, instance: Any, values: dict[str, Any]) -> Iterator[Difference]:
        for name in self.columns.keys() & values.keys():
            column, value = self.columns[name], values[name]
            before = None if instance is None else column.of(instance)
            if instance is not None and _is_same(column, before, value):
                continue
            old = "" if instance is None else column.shown(before)
            new = column.shown(value)
            if old != new or instance is not None:
                # A password is never shown, not even that of the file.
                yield Difference(name, old, f"{new} (new password)" if old == new else new)

    @property
    def wrong(self) -> list[Line]:
        return [line for line in self.lines if line.state == WRONG]

    @property
    def effective(self) -> list[Line]:
        return [line for line in self.lines if line.state in (NEW, CHANGED)]

    def count(self, state: str) -> int:
        return sum(line.state == state for line in self.lines)

    @property
    def digest(self) -> str:
        """Stands for what was shown: another digest later means that the rows changed meanwhile."""
        shown = [(line.number, line.state, line.differences) for line in self.lines]
        return hashlib.sha256(repr(shown).encode()).hexdigest()

    def apply(self) -> tuple[list[Any], list[Any]]:
        """Store everything or nothing; return the rows that are new, and those that changed."""
        made: dict[str, list[Any]] = {NEW: [], CHANGED: []}
        with transaction.atomic():
            for line in self.effective:
                if line.serializer is not None:
                    made[line.state].append(line.serializer.save())
        return made[NEW], made[CHANGED]


def _matches(rows: QuerySet[Any], records: list[Record]) -> dict[str, Any]:
    """Return the existing rows by `#id` and by name."""
    ids = [record.get("id", "") for record in records]
    numbers = [int(text) for text in ids if text.isascii() and text.isdecimal() and len(text) < 20]
    names = [name for record in records if (name := record.get("name")) and "\0" not in name]
    wanted = Q(pk__in=[number for number in numbers if number <= LARGEST_ID]) | Q(name__in=names)
    known: dict[str, Any] = {}
    for row in rows.filter(wanted):
        known |= {f"#{row.pk}": row}
        known.setdefault(row.name, row)
    return known


def _is_same(column: Column, before: Any, value: Any) -> bool:
    if isinstance(column, ManyNamed):
        return {row.pk for row in before} == {row.pk for row in value}
    return bool(before == value)


def _texts(details: Any) -> Iterator[str]:
    """Yield the sentences in a serializer's errors, however deep."""
    if isinstance(details, dict):
        for inner in details.values():
            yield from _texts(inner)
    elif isinstance(details, list):
        for inner in details:
            yield from _texts(inner)
    else:
        yield str(details)
