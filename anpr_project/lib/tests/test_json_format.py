from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.http import UnreadablePostError
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import ErrorDetail, ParseError

from anpr_project.lib.body import MAX_DRAINED_BYTES
from anpr_project.lib.errors import TooLarge
from anpr_project.lib.json_api import MAX_BODY_BYTES, JSONParser, JSONRenderer
from anpr_project.lib.json_format import MAX_DEPTH, decode, encode


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    "raw",
    [b"", b"NaN", b"Infinity", b"1e400", b"{", b"{'a': 1}", b'"\xff"', b'"\\ud800"', b"1 2", b"01"],
    ids=repr,
)
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    with pytest.raises(ParseError) as error:
        decode(raw)
    assert error.value.get_codes() == "json"


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 900, 200_000])
def test_too_deep_nesting_is_refused(depth: int) -> None:
    with pytest.raises(ParseError) as error:
        decode(nested(depth))
    assert error.value.get_codes() == "depth"


def test_values_are_read() -> None:
    assert decode(nested(MAX_DEPTH)) == json.loads(nested(MAX_DEPTH))
    assert decode(b'{"a": [1, 2.5, null, true, "\xc3\xa9"]}') == {"a": [1, 2.5, None, True, "é"]}
    assert decode(b"7") == 7


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, None, "é"]}, '{"a":[1,null,"é"]}'),
        (gettext_lazy("Yes"), '"Yes"'),
        (ErrorDetail("bad", "code"), '"bad"'),
    ],
    ids=["json", "lazy", "detail"],
)
def test_values_are_written(value: Any, text: str) -> None:
    assert encode(value).decode() == text


def test_whole_numbers_beyond_64_bits_are_written() -> None:
    assert json.loads(encode({"a": 10**30, "b": gettext_lazy("Yes")})) == {"a": 10**30, "b": "Yes"}


def test_large_body_is_refused_after_a_bounded_drain() -> None:
    """The client hears the 413 only if it may finish sending; but not for ever."""
    assert MAX_BODY_BYTES < MAX_DRAINED_BYTES
    parser = JSONParser()
    fits = b'"' + b"x" * (MAX_BODY_BYTES - 2) + b'"'
    assert len(parser.parse(io.BytesIO(fits))) == MAX_BODY_BYTES - 2
    for size in (MAX_BODY_BYTES + 100, MAX_DRAINED_BYTES + 2**22):
        large = io.BytesIO(bytes(size))
        with pytest.raises(TooLarge):
            parser.parse(large)
        assert large.tell() <= MAX_DRAINED_BYTES + 2**20
        assert large.tell() == size or size > MAX_DRAINED_BYTES


def test_client_that_goes_away_is_a_bad_request() -> None:
    class Gone(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise UnreadablePostError("gone")

    with pytest.raises(ParseError) as error:
        JSONParser().parse(Gone())
    assert error.value.get_codes() == "incomplete"


def test_renderer_writes_nothing_for_nothing() -> None:
    assert JSONRenderer().render(None) == b""
    assert JSONRenderer().render({"a": 1}) == b'{"a":1}'
