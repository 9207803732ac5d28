"""What an entry of the log was about, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.text import Truncator

from audit.models import Action

LONGEST = 160


def _value(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return "nothing"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _change(name: str, values: Any) -> str:
    if not isinstance(values, list):
        return f"{name} is {_value(values)}"
    old, new = values
    return f"{name} {_value(new)}" if old is None else f"{name} {_value(old)} → {_value(new)}"


def _entity(subject: Mapping[str, Any]) -> str:
    what = f"{subject['entity']} {subject['name']}"
    changes = "; ".join(_change(*item) for item in subject.get("fields", {}).items())
    return f"{what}: {changes}" if changes else what


def _query(query: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {_value(value)}" for name, value in query.items())


def in_words(action: str, subject: Mapping[str, Any]) -> str:
    """Return the subject of an entry as one short line of plain text."""
    rest = dict(subject)
    if action == Action.CREATED:
        rest.pop("fields", None)  # all of them: too much for a line
    parts = []
    if "entity" in rest:
        parts.append(_entity(rest))
        rest = {}
    if "query" in rest:
        parts.append(_query(rest.pop("query")) or "everything")
    parts += [f"{name.replace('_', ' ')} {_value(value)}" for name, value in rest.items()]
    return Truncator("; ".join(parts) or "everything").chars(LONGEST)
