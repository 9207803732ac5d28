"""A lookup for thousands of ids or words: `filter(pk__among=ids)`."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db.models import (
    AutoField,
    BigAutoField,
    BigIntegerField,
    CharField,
    ForeignKey,
    Lookup,
)

from anpr_project.lib.statements import as_array


class Among(Lookup[Sequence[int]]):
    """Like `in`, with one parameter for all values.

    `in` makes a placeholder of each: building and parsing such a statement takes longer than the
    database takes to answer it. In a list or tuple Django looks at each value once more: give an
    `array("q", ids)` where there are many.
    """

    lookup_name = "among"
    prepare_rhs = False

    def _sides(
        self, compiler: Any, connection: Any
    ) -> tuple[str, tuple[str | int, ...], list[str]]:
        column, parameters = self.process_lhs(compiler, connection)
        return column, tuple(parameters), list(map(str, map(int, self.rhs)))

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        column, parameters, values = self._sides(compiler, connection)
        listed = f"{column} IN (SELECT value FROM json_each(%s))"  # noqa: S608 - a column's name
        return listed, (*parameters, f"[{','.join(values)}]")

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        column, parameters, values = self._sides(compiler, connection)
        return f"{column} = ANY(%s::bigint[])", (*parameters, as_array(values))


class AmongWords(Lookup[Collection[str]]):
    """The same for texts."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, parameters = self.process_lhs(compiler, connection)
        listed = f"{column} IN (SELECT value FROM json_each(%s))"  # noqa: S608 - a column's name
        return listed, (*parameters, json.dumps(list(self.rhs)))

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, parameters = self.process_lhs(compiler, connection)
        words: Iterable[str] = self.rhs
        text = "".join(words)
        if "\\" in text or '"' in text:
            words = [word.replace("\\", r"\\").replace('"', r"\"") for word in words]
        quoted = [f'"{word}"' for word in words]
        return f"{column} = ANY(%s::text[])", (*parameters, as_array(quoted))


CharField.register_lookup(AmongWords)
for kind in (AutoField, BigAutoField, BigIntegerField, ForeignKey):
    kind.register_lookup(Among)
