"""Input that no configuration endpoint may fall over, whatever its fields are called."""

from __future__ import annotations

from typing import Any

HOSTILE_TEXTS = ["a\x00b", "a\x1bb", "a\x7fb", "a\u2028b", "a\u202eb", "a\ufdd0b", "a\U0001f697b"]
HOSTILE_BODIES = {
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "text": b'"x"',
    "number": b"7",
    "NaN": b'{"name": NaN}',
    "infinity": b'{"name": 1e400}',
    "bad utf-8": b'{"name": "\xff"}',
    "lone surrogate": b'{"name": "\\ud800"}',
    "cut off": b'{"name": "x"',
    "no json": b"name=x",
    "deep": b"[" * 100_000,
    "deep but closed": b'{"name": ' + b"[" * 900 + b"]" * 900 + b"}",
    "too large": b'{"name": "' + b"x" * 1_100_000 + b'"}',
}
ODD_VALUES: list[Any] = [
    *[None, True, False, 0, -1, 1.5, -1e308, 1e308, 10**30, 2**63, "", " ", "x", "NaN", "Infinity"],
    *[
        "1e400",
        "9" * 5000,
        "x" * 10_000,
        [],
        [[]],
        {},
        [None],
        [{}],
        ["x"],
        [10**30],
        [1.5],
        [True],
    ],
    *[{"type": []}, {"a": {"b": [1, None]}}, list(range(2000)), {"type": "Polygon"}],
]
HARMLESS_OR_REFUSED = [
    *[
        "page=abc",
        "page=-1",
        f"page={10**30}",
        "page=" + "9" * 5000,
        "page_size=abc",
        "page_size=0",
    ],
    *["page_size=-1", f"page_size={10**30}", "ordering=nonsense", "ordering=password", "ordering="],
    *["ordering=-id,-id,id", "ordering=%00", "search=", "search=%F0%9F%9A%97", "search=%22", "a=b"],
    *["search=%ff", "search=" + "a+" * 90, "name=%F0%9F%9A%97", "name=%25%5C_"],
]
REFUSED = [
    ("nmae=x", "nmae"),
    ("limit=0", "limit"),
    ("page=", "page"),
    ("page=0", "page"),
    ("page=last", "page"),
    ("limit=5&page_size=-1.1", "page_size"),
    ("ordering=nonsense", "ordering"),
    ("ordering=name%1F", "ordering"),
    ("ordering=-id,password", "ordering"),
    ("enabled=maybe", "enabled"),
    ("enabled=2", "enabled"),
    ("enabled=", "enabled"),
    ("name=", "name"),
    ("name=%20", "name"),
    ("name=%00", "name"),
    ("name=" + "x" * 501, "name"),
    ("search=a%00b", "search"),
    ("search=" + "x" * 201, "search"),
]
