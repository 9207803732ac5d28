"""What counts as text: printable, storable everywhere, the same in every log and protocol."""

from __future__ import annotations

import math
import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

# Controls (C0, DEL, C1), line and paragraph separators, bidirectional overrides, surrogates,
# noncharacters, and everything beyond the basic plane.
FORBIDDEN = (
    "\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    "\U00010000-\U0010ffff"
)
_forbidden = re.compile(f"[{FORBIDDEN}]")
# For JSON Schema and msgspec: a whole string of allowed characters. Not `$`: before a final line
# end that would match too; not \Z: JSON Schema does not know it.
END = r"(?![\s\S])"
PLAIN_PATTERN = f"^[^{FORBIDDEN}]*{END}"
MAX_JSON_DEPTH = 20


def forbidden_character(value: str) -> str | None:
    """Return the first character that a text may not hold, as U+XXXX, or None."""
    found = _forbidden.search(value)
    return f"U+{ord(found.group()):04X}" if found else None


class PlainText(RegexValidator):
    """Names the character that a text may not hold; the API's documentation shows the pattern."""

    regex = PLAIN_PATTERN
    code = "character"

    def __call__(self, value: str) -> None:
        character = forbidden_character(value)
        if character:
            raise ValidationError(f"The character {character} is not allowed here.", code=self.code)


validate_plain_text = PlainText()


def _validate_json_scalar(value: Any) -> None:
    if isinstance(value, str):
        validate_plain_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        # Python reads and writes it, PostgreSQL and RFC 8259 do not.
        raise ValidationError(f"The number {value} is not JSON.", code="number")


def validate_json_texts(value: Any) -> None:
    """Refuse forbidden characters, NaN and too deep nesting anywhere in a JSON value."""
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend([*item.keys(), *item.values()])
            elif isinstance(item, list):
                below.extend(item)
            else:
                _validate_json_scalar(item)
        if not below:
            return
        level = below
    raise ValidationError(f"Nested deeper than {MAX_JSON_DEPTH} levels.", code="depth")


class PlainTextField(models.CharField[str, str]):
    """A one-line text without control characters."""

    default_validators = [*models.CharField.default_validators, validate_plain_text]


class PlainJSONFormField(forms.JSONField):
    """A JSON text area that also survives what Python's own parser raises on."""

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values and not self.required:
            return {}
        try:
            return super().to_python(value)
        except (RecursionError, ValueError):  # nested too deep; a number of 5,000 digits
            raise ValidationError("Nested too deep, or a number too long.", code="json") from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        # As typed: what was refused may not even be printable once it is parsed.
        return initial if self.disabled else forms.fields.InvalidJSONInput(data or "")


class PlainJSONField(models.JSONField):
    """A JSON value whose every text is plain."""

    default_validators = [*models.JSONField.default_validators, validate_json_texts]

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": PlainJSONFormField} | kwargs)
