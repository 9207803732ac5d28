"""Columns of a CSV file: how values are written into cells, and what the API is given for a cell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model

# What a spreadsheet would run, the full-width twins too: our own mark before it (which we take away
# again) makes it a text. Not only in front: where the semicolon is the separator, a cell begins
# behind each one. Quotes and spaces before it may be lost on the way.
_before = "['\" \u00a0\u2000-\u200d\u2060\u3000\ufeff]*"
_run = f"(?={_before}[=+\\-@\uff1d\uff0b\uff0d\uff20\\t\\r\\n])"
_formula = re.compile(rf"(^|[;\t\r\n]){_run}")
_marked = re.compile(rf"(^|[;\t\r\n])'{_run}")
OMITTED = object()


def guarded(text: str) -> str:
    return _formula.sub(r"\1'", text)


def unguarded(text: str) -> str:
    return _marked.sub(r"\1", text)


class Column:
    """A column of texts."""

    empty: Any = ""

    def __init__(self, name: str) -> None:
        self.name = name

    def of(self, row: Any) -> Any:
        return getattr(row, self.name)

    def shown(self, value: Any) -> str:
        """Return the value as people read it."""
        return "" if value is None else str(value)

    def cell(self, value: Any) -> str:
        """Return the value as it stands in the file."""
        return guarded(self.shown(value))

    def parse(self, cell: str) -> Any:
        """Return what the API is to be given; ValidationError for what cannot be read."""
        return unguarded(cell) if cell else self.empty


class Number(Column):
    empty = None

    def cell(self, value: Any) -> str:
        return self.shown(value)  # a minus makes no formula of a number


class Flag(Column):
    empty = OMITTED

    def shown(self, value: Any) -> str:
        return "yes" if value else "no"


class Json(Column):
    def __init__(self, name: str, empty: Any = None) -> None:
        super().__init__(name)
        self.empty = empty

    def shown(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    def parse(self, cell: str) -> Any:
        if not cell:
            return self.empty
        try:
            return json.loads(unguarded(cell))
        except (ValueError, RecursionError):
            raise ValidationError("This is not JSON.", code="json") from None


class Named(Column):
    """A reference to another row by its name, or as `#12` by its id."""

    empty = None

    def __init__(self, name: str, model: type[Model]) -> None:
        super().__init__(name)
        self.model = model

    @cached_property
    def ids(self) -> dict[str, list[int]]:
        ids: dict[str, list[int]] = {}
        for row in self.model._default_manager.all():
            ids.setdefault(str(row), []).append(row.pk)
        return ids

    def shown(self, value: Any) -> str:
        if value is None:
            return ""
        name = str(value)
        return f"#{value.pk}" if name.startswith("#") or ";" in name else name

    def parse(self, cell: str) -> Any:
        return self._id(unguarded(cell)) if cell else self.empty

    def _id(self, name: str) -> int:
        number = name.removeprefix("#")
        if number != name and number.isascii() and number.isdecimal():
            return int(number[:19])
        found = self.ids.get(name, [])
        if len(found) != 1:
            problem = "Several have the name" if found else "Nothing has the name"
            raise ValidationError(f"{problem} “{name}”. Its id can be given as #12.", code="name")
        return found[0]


class ManyNamed(Named):
    """References to several rows, separated by semicolons."""

    empty: Any = []

    def of(self, row: Any) -> Any:
        return list(getattr(row, self.name).all())

    def shown(self, value: Iterable[Any]) -> str:
        return "; ".join(sorted(super(ManyNamed, self).shown(row) for row in value))

    def parse(self, cell: str) -> Any:
        names = (part.strip() for part in unguarded(cell).split(";"))
        return [self._id(name) for name in names if name]
