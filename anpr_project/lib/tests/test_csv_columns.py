"""No text becomes a formula, whatever a spreadsheet takes for the separator; and all come back."""

from __future__ import annotations

import csv
import io
import re

import pytest

from anpr_project.lib.csv_columns import guarded, unguarded

FRONT = [
    "",
    " ",
    "'",
    "''",
    '"',
    "\u00a0",
    "\u200b",
    "\ufeff",
    "a;",
    "a; ",
    'a";',
    'a;"',
    "a;'",
    "a;;",
]
RUN = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1",
    "\uff20SUM(1)",
    '=";=1;"',
]
TEXTS = [front + run for front in FRONT for run in RUN]
HARMLESS = ["", "AB12", "a=1", "a; b", "O'Neil", "1-2", "x;1=2", "'quoted'"]
ACTIVE = re.compile("[ \u00a0\u2000-\u200d\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20\t\r]")


def active_cells(texts: list[str], separator: str) -> list[str]:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([["id", text, text] for text in texts])
    read = csv.reader(io.StringIO(file.getvalue(), newline=""), delimiter=separator)
    return [cell for row in read for cell in row if ACTIVE.match(cell)]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_cell_is_active(separator: str) -> None:
    assert active_cells(TEXTS, separator)
    assert active_cells([guarded(text) for text in TEXTS], separator) == []


def test_every_text_comes_back() -> None:
    for text in [*TEXTS, *map(guarded, TEXTS), *HARMLESS]:
        assert unguarded(guarded(text)) == text


def test_what_is_no_formula_stays_as_it_is() -> None:
    assert [guarded(text) for text in HARMLESS] == HARMLESS
