"""What an edge reader makes of a plate: mostly the truth, sometimes a look-alike."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

LOOK_ALIKES = {
    "0": "OD", "O": "0DQ", "1": "I7", "I": "1L", "8": "B", "B": "8", "5": "S", "S": "5",
    "2": "Z", "Z": "2", "6": "G", "G": "6", "D": "0", "Q": "0",
}  # fmt: skip
MISREAD_SHARE = 0.07


@dataclass(frozen=True)
class Read:
    plate: str
    confidence: float
    candidates: tuple[tuple[str, float], ...]


def swapped(text: str, random: Random) -> str:
    """Return the text with one character taken for its look-alike, if it holds one that has any."""
    places = [index for index, sign in enumerate(text) if sign in LOOK_ALIKES]
    if not places:
        return text
    index = random.choice(places)
    return text[:index] + random.choice(LOOK_ALIKES[text[index]]) + text[index + 1 :]


def misread(text: str, random: Random) -> str:
    """Dropped and added characters are as common as swaps: measured on public OCR results."""
    kind = random.choices(("drop", "add", "swap"), (0.35, 0.2, 0.45))[0]
    index = random.randrange(len(text))
    if kind == "drop":
        return text[:index] + text[index + 1 :]
    if kind == "add":
        return text[:index] + random.choice("1IE8") + text[index:]
    return swapped(text, random)


def read_plate(text: str, random: Random) -> Read:
    """Return what the reader reports, less sure of itself where it is wrong."""
    wrong = random.random() < MISREAD_SHARE
    plate = misread(text, random) if wrong else text
    confidence = random.betavariate(9, 5) if wrong else random.betavariate(24, 1.6)
    others = {swapped(text, random), swapped(text, random), *([text] if wrong else [])} - {plate}
    left = 1 - confidence
    candidates = tuple(
        (other, round(confidence * 0.9 * (0.4 + 0.4 * left) / rank, 3))
        for rank, other in enumerate(sorted(others), start=1)
    )
    return Read(plate, round(confidence, 3), candidates if wrong or confidence < 0.95 else ())
