"""What msgspec says of wrong input, as errors of ours."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from anpr_project.lib.errors import FieldError

T = TypeVar("T")
_place = re.compile(r" - at (?:`key` in )?`\$(?P<path>.*)`$", re.DOTALL)
_member = re.compile(r"(?:missing required|contains unknown) field `(?P<field>.*)`$", re.DOTALL)


def _choices(kind: Any, name: str) -> str:
    """Return what may stand in a field of a struct, or which structs of a union there are."""
    info = None if kind is None else msgspec.inspect.type_info(kind)
    structs = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
    found: list[Any] = []
    for struct in structs:
        if not isinstance(struct, msgspec.inspect.StructType):
            continue
        found += [struct.tag] if name == struct.tag_field else []
        for field in struct.fields:
            literal = [*getattr(field.type, "types", ()), field.type]
            if field.encode_name == name:
                found += [one for type_ in literal for one in getattr(type_, "values", ())]
    return ", ".join(str(one) for one in found)


def field_error(error: msgspec.ValidationError, part: str = "", kind: Any = None) -> FieldError:
    """Turn `Expected … - at `$.a[0].b`` into a field and a sentence; `part` is what `$` stands for.

    With the `kind` that it was to be, a wrong choice is told what there is to choose from.
    """
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
    elif message.startswith("Invalid ") and (known := _choices(kind, inner.rpartition(".")[2])):
        message = f"Expected one of {known}."
    return FieldError(field, "required" if "missing required" in text else "invalid", message)


def converted(value: Any, kind: type[T]) -> T:
    """Return the value as a struct; FieldError, if it is none."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise field_error(error, kind=kind) from None
