from __future__ import annotations

import json
from typing import Any

import pytest

from anpr_project.lib.errors import FieldError
from events.plates import look_alike_key, normalize, normalize_pattern
from events.readings import canonical, decode_reading
from events.tests.factories import reading


def decoded(**fields: Any) -> Any:
    return decode_reading(json.dumps(reading(**fields)).encode())


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("45BB320F", "45bb320f"),
        ("0x45bb320f", "45bb320f"),
        (1169895951, "45bb320f"),
        (-1, "ffffffff"),  # a 32-bit id that a radio's JSON printed as signed
        (5, "00000005"),
    ],
)
def test_tyre_ids_are_unsigned_hex(sent: object, kept: str) -> None:
    assert decoded(tpms=[{"id": sent}]).tpms[0].hex_id == kept


def test_same_content_is_the_same_however_it_is_written() -> None:
    body = reading(vehicle={"make": "VW", "color": "blue"})
    spaced = json.dumps(dict(reversed(body.items())), indent=4).encode()
    assert canonical(decode_reading(spaced)) == canonical(decode_reading(json.dumps(body).encode()))
    assert canonical(decoded(plate="A1")) != canonical(decoded(plate="A2"))


def test_unknown_fields_are_ignored() -> None:
    assert decoded(firmware="9.1").plate == "AB12 CDE"


def test_null_is_as_good_as_left_out() -> None:
    names = ("region", "candidates", "tpms", "bbox", "vehicle", "location", "sequence", "camera")
    short = reading()
    full = short | dict.fromkeys(names) | {"tpms": [{"id": "45bb320f", "model": None}]}
    short |= {"tpms": [{"id": "45bb320f"}]}
    told = [canonical(decode_reading(json.dumps(one).encode())) for one in (full, short)]
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"plate": None}, "plate"),
        ({"region": None, "confidence": None}, "confidence"),
        ({"candidates": [None]}, "candidates.0"),
        ({"tpms": [{"id": None}]}, "tpms.0.id"),
    ],
)
def test_null_is_no_value_for_what_is_required(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(FieldError) as caught:
        decoded(**fields)
    assert caught.value.field == named


@pytest.mark.parametrize(
    ("text", "normalized"),
    [("ab-12 cde", "AB12CDE"), ("\uff21\uff22\uff11", "AB1"), ("\u0661\u0662", "12"), ("--", "")],
)
def test_plates_are_normalised(text: str, normalized: str) -> None:
    assert normalize(text) == normalized
    assert normalize_pattern(f"{text}*?") == f"{normalized}*?"


def test_look_alikes_share_a_key() -> None:
    assert look_alike_key("B0Z1S6") == look_alike_key("8O2I5G") == "802156"
