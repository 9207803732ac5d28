"""What msgspec says of wrong input, as errors of ours."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from anpr_project.lib.errors import FieldError

T = TypeVar("T")
_place = re.compile(r" - at (?:`key` in )?`\$(?P<path>.*)`$", re.DOTALL)
_member = re.compile(r"(?:missing required|contains unknown) field `(?P<field>.*)`$", re.DOTALL)


def field_error(error: msgspec.ValidationError, part: str = "") -> FieldError:
    """Turn `Expected … - at `$.a[0].b`` into a field and a sentence; `part` is what `$` stands for."""
    text = str(error)
    place = _place.search(text)
    inner = place["path"] if place else ""
    # Of a mapping it does not say which value.
    inner = inner.replace("[...]", "").replace("[", ".").replace("]", "")
    message = _place.sub("", text)
    member = _member.search(message)
    field = ".".join([part + inner, *([member["field"]] if member else [])]).strip(".")
    if "matching regex" in message:
        message = "Holds a character that is not allowed here."
    return FieldError(field, "required" if "missing required" in text else "invalid", message)


def converted(value: Any, kind: type[T]) -> T:
    """Return the value as a struct; FieldError, if it is none."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise field_error(error) from None
