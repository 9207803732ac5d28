"""Hostile requests to ingest: a list made by hand, and mutations without end by Hypothesis."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from hypothesis import strategies as some

from ledger import corpus

BOUNDARY = "b0undary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
EVENT = {"plate": "AB12 CDE", "confidence": 0.9, "captured_at": datetime.now(UTC).isoformat()}
HOSTILE_TEXTS = (
    *(
        "",
        "\0",
        "A\0B",
        "\x1b[31m",
        "A\nB",
        "\u202eEDC",
        "\ud800",
        "\ufdfa" * 32,
        "../../etc/passwd",
    ),
    *("' OR 1=1 --", "<script>alert(1)</script>", "{{7*7}}", "${jndi:ldap://x/a}", "=1+1", "%s%n"),
    *("A" * 5000, "null", "NaN", "-1", "1e999", "ü", "粤B12345", "$SYS/#", "+/#"),
)


@dataclass
class Upload:
    """A request, and what has to become of it: "taken", "refused", or either."""

    name: str
    body: bytes
    content_type: str = FORM
    must: str = "either"


def part(name: bytes, data: bytes, more: bytes = b"") -> bytes:
    head = b'--%s\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n'
    return head % (BOUNDARY.encode(), name, more) + data + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()
EVENT_PART = part(b"event", json.dumps(EVENT).encode())


def with_picture(data: bytes, kind: bytes = b"frame", more: bytes = b"") -> bytes:
    return EVENT_PART + part(kind, data, more) + END


def good_uploads(chance: random.Random, count: int) -> list[Upload]:
    return [
        Upload(
            f"good {number}", with_picture(data, b"frame" if number % 2 else b"crop"), FORM, "taken"
        )
        for number, data in enumerate(islice(corpus.good(chance), count))
    ]


def bad_pictures(chance: random.Random) -> list[Upload]:
    """Each under every pretence."""
    pretences = (
        *(b"", b'; filename="x.jpg"\r\nContent-Type: image/jpeg'),
        *(b'; filename="../../../x.php"', b'; filename="x.svg"\r\nContent-Type: image/svg+xml'),
    )
    return [
        Upload(name, with_picture(data, kind, pretence), FORM, "refused")
        for name, data in corpus.bad(chance).items()
        for kind in (b"frame", b"crop")
        for pretence in pretences
    ]


def bad_forms(chance: random.Random) -> list[Upload]:
    image = part(b"frame", corpus.saved(corpus.noise(chance), "PNG"))
    broken = {
        "nothing": b"",
        "garbage": chance.randbytes(3000),
        "no event": image + END,
        "never closed": EVENT_PART + image,
        "cut in a header": EVENT_PART[:50],
        "cut in a picture": EVENT_PART + image[:-100],
        "event twice": EVENT_PART * 2 + END,
        "picture twice": EVENT_PART + image * 2 + END,
        "unknown part": EVENT_PART + part(b"shell", b"x") + END,
        "10,000 parts": EVENT_PART + part(b"x", b"") * 10_000 + END,
        "10,000 events": EVENT_PART * 10_000 + END,
        "a header of 100 kB": EVENT_PART.replace(b"name", b"x" * 100_000) + END,
        "NUL in a name": part(b"ev\0ent", b"{}") + END,
        "no headers": b"--b0undary\r\n\r\n{}\r\n" + END,
        "deep JSON": part(b"event", b"[" * 60_000) + END,
        "65 kB of JSON": part(b"event", json.dumps(EVENT | {"x": "x" * 66_000}).encode()) + END,
        "9 MB": with_picture(b"\xff\xd8" + b"\0" * 9_000_000),
    }
    found = [Upload(name, body, FORM, "refused") for name, body in broken.items()]
    found += [
        Upload(f"type {kind!r}", EVENT_PART + END, kind, "refused")
        for kind in (
            "multipart/form-data",
            "text/plain",
            "",
            f"{FORM}x",
            "multipart/mixed; boundary=x",
        )
    ]
    twice = f"{FORM}; boundary=other"
    return [*found, Upload("two boundaries", EVENT_PART + END, twice)]


# Everything that JSON can hold, with a liking for what hurts.
_text = some.sampled_from(HOSTILE_TEXTS) | some.text(max_size=40)
_number = some.sampled_from([0, -1, 2**31, 2**63, 10**30, 1e308, -0.0, 0.5]) | some.floats()
_value = some.recursive(
    some.none() | some.booleans() | _number | _text,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(_text, inner, max_size=4),
    max_leaves=12,
)
_FIELDS = (
    *("plate", "confidence", "captured_at", "event_id", "camera", "region", "candidates", "bbox"),
    *("sequence", "vehicle", "location", "tpms", "unknown"),
)


@some.composite
def events(draw: some.DrawFn) -> bytes:
    """A good event with some fields gone wrong."""
    event: dict[str, Any] = dict(EVENT)
    for name in draw(some.lists(some.sampled_from(_FIELDS), max_size=3)):
        event[name] = draw(_value)
    return json.dumps(event).encode("utf-8", "surrogatepass")


@some.composite
def mutated(draw: some.DrawFn, data: bytes) -> bytes:
    """A file with bits flipped, pieces cut out, doubled, or put in."""
    made = bytearray(data)
    for _ in range(draw(some.integers(0, 4))):
        at = draw(some.integers(0, max(0, len(made) - 1)))
        match draw(some.sampled_from(("flip", "cut", "double", "insert", "end"))):
            case "flip" if made:
                made[at] ^= 1 << draw(some.integers(0, 7))
            case "cut":
                del made[at : at + draw(some.integers(1, 64))]
            case "double":
                made[at:at] = made[at : at + draw(some.integers(1, 64))]
            case "insert":
                made[at:at] = draw(some.binary(max_size=16))
            case "end":
                del made[at:]
    return bytes(made)


def pictures(chance: random.Random) -> list[bytes]:
    return [*islice(corpus.good(chance), 40), *corpus.bad(chance).values()]


@some.composite
def uploads(draw: some.DrawFn, known: list[bytes]) -> Upload:
    """A form whose event, pictures, headers and frame are each perhaps not right."""
    body = part(b"event", draw(events()))
    for kind in draw(some.lists(some.sampled_from([b"frame", b"crop"]), max_size=2)):
        name = draw(_text).encode("utf-8", "surrogatepass").replace(b"\r", b"").replace(b"\n", b"")
        data = draw(mutated(draw(some.sampled_from(known))))
        body += part(kind, data, b'; filename="' + name + b'"')
    body += END
    if draw(some.integers(0, 4)) == 0:
        body = draw(mutated(body))
    return Upload("mutated", body)
