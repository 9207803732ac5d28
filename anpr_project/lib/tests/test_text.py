from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from anpr_project.lib.text import (
    MAX_JSON_DEPTH,
    PLAIN_PATTERN,
    PlainJSONFormField,
    forbidden_character,
    validate_json_texts,
    validate_plain_text,
)

FORBIDDEN = [
    *[(0x00, "U+0000"), (0x1F, "U+001F"), (0x7F, "U+007F"), (0x9F, "U+009F"), (0x2028, "U+2028")],
    *[(0x202E, "U+202E"), (0x2066, "U+2066"), (0xD800, "U+D800"), (0xFDD0, "U+FDD0")],
    *[(0xFFFF, "U+FFFF"), (0x10000, "U+10000"), (0x10FFFF, "U+10FFFF")],
]


def nested(depth: int) -> Any:
    value: Any = "x"
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize(("code", "name"), FORBIDDEN, ids=[name for _, name in FORBIDDEN])
def test_forbidden_character_is_named_wherever_it_stands(code: int, name: str) -> None:
    text = f"ab{chr(code)}c"
    assert forbidden_character(text) == name
    assert not re.fullmatch(PLAIN_PATTERN, text)
    with pytest.raises(ValidationError, match=re.escape(name)) as error:
        validate_plain_text(text)
    assert error.value.code == "character"
    for value in (text, [text], {"a": {"b": [1, text]}}, {text: 1}):
        with pytest.raises(ValidationError):
            validate_json_texts(value)


@pytest.mark.parametrize("text", ["", "Ünïcödé", "粤B12345", "١٢٣", "a b", "\u00a0", "\ue000"])
def test_printable_text_passes(text: str) -> None:
    assert forbidden_character(text) is None
    validate_plain_text(text)
    assert re.fullmatch(PLAIN_PATTERN, text)


@pytest.mark.parametrize("value", [None, True, 0, 1.5, 10**30, "", [], {}, {"a": [None, {"b": 1}]}])
def test_json_values_pass(value: Any) -> None:
    validate_json_texts(value)


def test_depth_is_limited() -> None:
    validate_json_texts(nested(MAX_JSON_DEPTH - 1))
    for depth in (MAX_JSON_DEPTH, MAX_JSON_DEPTH + 1, 50_000):
        with pytest.raises(ValidationError) as error:
            validate_json_texts(nested(depth))
        assert error.value.code == "depth"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_has_not_are_refused(number: float) -> None:
    with pytest.raises(ValidationError) as error:
        validate_json_texts({"a": [number]})
    assert error.value.code == "number"


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000], ids=["deep", "long number"])
def test_form_field_survives_what_the_parser_raises_on(text: str) -> None:
    field = PlainJSONFormField()
    with pytest.raises(ValidationError) as error:
        field.clean(text)
    assert error.value.code == "json"
    assert field.has_changed({}, text)
    assert field.prepare_value(field.bound_data(text, {})) == text


def test_form_field_reads_an_empty_text_as_an_empty_object() -> None:
    assert PlainJSONFormField(required=False).clean("") == {}
    assert not PlainJSONFormField(required=False).has_changed({}, "")
    with pytest.raises(ValidationError):
        PlainJSONFormField().clean("")
    disabled = PlainJSONFormField(disabled=True)
    assert disabled.bound_data("[1]", {"a": 1}) == {"a": 1}
