"""The short way through a usual form takes nothing that the library would read otherwise."""

from __future__ import annotations

import pytest

from events.ingest.submission import _usual_parts, split_parts

BOUNDARY = "----WebKitFormBoundaryAb1"
PICTURE = b"\xff\xd8\r\n--\r\n------WebKit\xff\xd9"


def form(*parts: bytes, end: bytes = b"--\r\n") -> bytes:
    delimiter = f"--{BOUNDARY}".encode()
    return b"".join(delimiter + b"\r\n" + part + b"\r\n" for part in parts) + delimiter + end


def part(name: str, data: bytes, more: str = "") -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + data


EVENT = part("event", b'{"plate": "AB12"}')
FRAME = part("frame", PICTURE, '; filename="a-1.jpg"\r\nContent-Type: image/jpeg')
USUAL = [
    form(EVENT),
    form(EVENT, end=b"--"),
    form(FRAME, EVENT),
    form(EVENT, FRAME, part("crop", b"", '; filename=""')),
    form(part("frame", b"\r\n"), EVENT),
]
UNUSUAL = [
    b"",
    form(),
    form(EVENT, EVENT),
    form(EVENT, part("other", b"")),
    form(EVENT)[:-3],
    form(EVENT, end=b""),
    form(EVENT, end=b"--\r\nmore"),
    form(EVENT, end=b" \t--"),
    b"before\r\n" + form(EVENT),
    form(EVENT, part("frame", PICTURE, '; filename="a\\"b.jpg"')),
    form(EVENT, part("frame", PICTURE, "\r\nContent-Transfer-Encoding: base64")),
    form(EVENT).replace(b"\r\n", b"\n"),
    form(EVENT).replace(b"Content-Disposition", b"content-disposition"),
]


@pytest.mark.parametrize("body", USUAL)
def test_a_usual_form_is_what_the_library_makes_of_it(body: bytes) -> None:
    assert _usual_parts(body, BOUNDARY) == split_parts(body, BOUNDARY)


@pytest.mark.parametrize("body", UNUSUAL)
def test_everything_else_is_left_to_the_library(body: bytes) -> None:
    assert not _usual_parts(body, BOUNDARY)


@pytest.mark.parametrize("boundary", ["", "x" * 71, BOUNDARY[:-1], BOUNDARY + "2"])
def test_so_is_a_boundary_that_is_not_the_forms(boundary: str) -> None:
    assert _usual_parts(form(EVENT), boundary) is None
