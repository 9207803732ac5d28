from __future__ import annotations

from typing import Any

import pytest

from audit.models import Action
from audit.words import in_words

CAMERA = {"entity": "camera", "id": 4, "name": "North Gate"}


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ({}, "everything"),
        ({"query": {}}, "everything"),
        ({"query": {"plate": ["AB*"], "limit": ["50"]}}, "plate = AB*, limit = 50"),
        ({"event": 7, "kind": "crop"}, "event 7; kind crop"),
        (CAMERA, "camera North Gate"),
        (CAMERA | {"fields": {"enabled": False}}, "camera North Gate: enabled is False"),
        (CAMERA | {"fields": {"fps": [None, 25.0]}}, "camera North Gate: fps 25.0"),
        (
            CAMERA | {"fields": {"zones": [[1], [1, 2]], "address": ["", "A40"]}},
            "camera North Gate: zones 1 → 1, 2; address nothing → A40",
        ),
    ],
)
def test_an_entry_is_told_in_words(subject: dict[str, Any], words: str) -> None:
    assert in_words(Action.CHANGED, subject) == words


def test_a_long_entry_is_cut() -> None:
    assert len(in_words(Action.SEARCH, {"query": {"plate": ["A" * 500]}})) == 160


def test_what_was_created_is_only_named() -> None:
    subject = CAMERA | {"fields": {"name": [None, "North Gate"]}}
    assert in_words(Action.CREATED, subject) == "camera North Gate"
