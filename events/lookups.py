"""Database comparisons that mean the same on PostgreSQL and SQLite."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import CharField, Lookup
from django.db.models.sql.compiler import SQLCompiler

_upper = str.maketrans({chr(code): chr(code - 32) for code in range(ord("a"), ord("z") + 1)})


def ascii_upper(text: str) -> str:
    """Return the text as both databases see it in `spelled`: A to Z only, whatever the locale."""
    return text.translate(_upper)


def spellings(words: Iterable[str]) -> frozenset[str]:
    """Return how words may be written: `škoda` is also `Škoda` and `ŠKODA`."""
    forms = {form for word in words for form in (word, word.lower(), word.upper(), word.title())}
    return frozenset(map(ascii_upper, forms))


def beginning_with(column: str, beginning: str) -> tuple[str, list[str]]:
    """Return the condition that a text begins so, and its values, for a plan that is kept.

    PostgreSQL takes LIKE apart in the same way, but only when it knows the values.
    """
    if connection.vendor == "postgresql":
        # What begins so is before the next letter, and after a letter or digit there is always one.
        after = beginning[:-1] + chr(ord(beginning[-1]) + 1)
        return f"{column} ~>=~ %s AND {column} ~<~ %s", [beginning, after]
    return f"{column} GLOB %s", [f"{beginning}*"]


@CharField.register_lookup
class Wildcard(Lookup[str]):
    """`*` is any run, `?` one character; the other characters must be letters or digits.

    A fixed beginning is served by the index on both databases.
    """

    lookup_name = "wildcard"

    def as_postgresql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        pattern = self.rhs.replace("*", "%").replace("?", "_")
        return f"{lhs} LIKE %s", [*lhs_params, pattern]

    def as_sqlite(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        return f"{lhs} GLOB %s", [*lhs_params, self.rhs]


@CharField.register_lookup
class Spelled(Lookup[bool]):
    """One of `spellings()`, upper or lower case."""

    lookup_name = "spelled"
    prepare_rhs = False
    rhs: frozenset[str]

    def _in(self, column: str) -> str:
        return f"UPPER({column}) IN ({', '.join(['%s'] * len(self.rhs))})"

    def as_postgresql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        # Otherwise UPPER depends on the locale that the database was made with.
        return self._in(f'{lhs} COLLATE "C"'), [*lhs_params, *sorted(self.rhs)]

    def as_sqlite(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        return self._in(lhs), [*lhs_params, *sorted(self.rhs)]
