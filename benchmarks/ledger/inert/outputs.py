"""Judges of what comes out that is no page: files, answers, messages, log lines, metrics."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ledger.inert.corpus import MADE_BY_A_TEMPLATE

# Of a comma's file, and of the semicolon's and tab's that some countries' spreadsheets expect.
SEPARATORS = (",", ";", "\t")
# Spaces, and what looks like none: programs that import a file may take them away first.
UNSEEN = " \u00a0\u2000-\u200d\u2028\u2029\u2060\u3000\ufeff"
_active = re.compile(f"[{UNSEEN}]*[=+\\-@\uff1d\uff0b\uff0d\uff20\t\r]")
_number = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", re.IGNORECASE)
_control = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
TOPIC = re.compile(r"anpr/[A-Za-z0-9_-]{1,64}/[A-Za-z0-9_-]{1,64}/[A-Za-z0-9_-]{1,64}")
LOG_KEYS = {"event", "level", "logger", "timestamp"}


def active_cells(data: bytes) -> list[str]:
    """Cells that a spreadsheet would compute, whatever it takes for the separator."""
    text = data.decode().removeprefix("\ufeff")
    found = []
    for separator in SEPARATORS:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            found += [
                f"{cell!a} (separator {separator!r})"
                for cell in row
                if _active.match(cell) and not _number.fullmatch(cell)
            ]
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key comes twice")
    return made


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def strictly(data: bytes) -> Any:
    """Parse JSON as RFC 8259 has it: UTF-8, no constants, no key twice, no control characters."""
    return json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)


def json_problem(where: str, data: bytes) -> list[str]:
    try:
        strictly(data)
    except ValueError as error:
        return [f"{where}: {error} in {data[:200]!r}"]
    return []


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)


def log_problems(lines: Iterable[bytes]) -> list[str]:
    """Lines that are not exactly one JSON object of ours, or that somebody else wrote."""
    found = []
    for line in lines:
        try:
            entry = strictly(line)
        except ValueError as error:
            found.append(f"{error}: {line[:200]!r}")
            continue
        is_ours = isinstance(entry, dict) and entry.keys() >= LOG_KEYS
        if not is_ours or entry["event"] == "forged" or _control.search(line.decode()):
            found.append(f"{line[:200]!r}")
    return found


def metrics_problems(data: bytes) -> list[str]:
    from prometheus_client.parser import text_string_to_metric_families

    try:
        families = list(text_string_to_metric_families(data.decode()))
    except ValueError as error:
        return [str(error)]
    samples = [sample for family in families for sample in family.samples]
    found = [f"forged: {one.name}" for one in samples if "inert" in one.name]
    return found + [
        f"{one.name}: label {name}"
        for one in samples
        for name in one.labels
        if not re.fullmatch(r"[a-z_]+", name)
    ]


def head_problems(heads: Iterable[bytes]) -> list[str]:
    """Answers in whose head a line of somebody else stands."""
    return [
        f"{line!r}"
        for head in heads
        for line in head.split(b"\r\n")[1:]
        if line.lower().startswith((b"x-inert", b"set-cookie: inert")) or b"\n" in line
    ]


def computed(where: str, data: bytes) -> list[str]:
    """Outputs in which a template engine has worked."""
    return [where] if MADE_BY_A_TEMPLATE.encode() in data else []


def topic_problems(topics: Iterable[str]) -> list[str]:
    return [f"{topic!a}" for topic in topics if not TOPIC.fullmatch(topic)]


def header_problems(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Headers of a message that are more than one line of ASCII.

    Kafka's key is bytes: the normalised plate, of letters and digits in any script.
    """
    return [
        f"{name}: {value!a}"
        for name, value in pairs
        if (not value.isalnum() if name == "key" else _control.search(value) or not value.isascii())
    ]
