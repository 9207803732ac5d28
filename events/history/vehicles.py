"""Who drives: a few vehicles daily, most hardly ever again, and what readers make of their plates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from events.plates import normalize
from events.simulation.misreads import misread
from events.simulation.regions import REGIONS
from events.simulation.traffic import COLOR_SHARES, KIND_SHARES, MODELS

# How many of a hundred reads are wrong; the same plate is misread in the same few ways.
MISREAD_SHARE = 0.035
MISREAD_PLATES_SHARE = 0.14
# The rank of a vehicle falls off with this power of its number of passages (Zipf).
EXPONENT = 0.6
LOOKS = 4000


@dataclass(frozen=True, slots=True)
class Look:
    """What many vehicles have in common, as the columns want it."""

    kind: str
    make: str
    color: str
    details: str


def _looks(random: Random) -> list[Look]:
    kinds = random.choices(list(KIND_SHARES), list(KIND_SHARES.values()), k=LOOKS)
    colors = random.choices(list(COLOR_SHARES), list(COLOR_SHARES.values()), k=LOOKS)
    looks = []
    for kind, color in zip(kinds, colors, strict=True):
        make, model = random.choice(MODELS[kind])
        vehicle = {"type": kind, "make": make, "model": model, "color": color}
        year = random.randint(2009, 2026)
        left, top, width = (
            random.randint(0, 1500),
            random.randint(200, 900),
            random.randint(60, 200),
        )
        details = {"bbox": [left, top, width, width // 4], "vehicle": vehicle | {"year": year}}
        looks.append(Look(kind, make, color, json.dumps(details)))
    return looks


class Population:
    """`plates` distinct plates: those of vehicles, and those that readers made of them."""

    def __init__(self, random: Random, plates: int) -> None:
        self.random = random
        self.looks = _looks(random)
        misread_count = int(plates * MISREAD_PLATES_SHARE)
        self.size = plates - misread_count
        self.plates: list[tuple[str, str, str]] = list(self._make(self.size, misread_count))

    def _make(self, size: int, misread_count: int) -> Iterator[tuple[str, str, str]]:
        """Yield (as sent, normalised, region): first each vehicle's own, then the misread ones."""
        random, known = self.random, set[str]()
        regions = list(REGIONS.values())
        shares = list(accumulate(region.share for region in regions))
        own: list[tuple[str, str]] = []
        while len(own) < size:
            region = random.choices(regions, cum_weights=shares)[0]
            text = region.new_plate(random)
            if len(known) * 2 > size:
                # Some formats have few plates: then one more letter makes it another.
                text += random.choice("ABCDEFGH")
            plate = normalize(text)
            if plate not in known:
                known.add(plate)
                own.append((plate, region.code))
                yield text, plate, region.code
        while misread_count:
            plate, code = own[self._rank(size)]
            read = misread(plate, random)
            if read not in known:
                known.add(read)
                misread_count -= 1
                yield read, read, code

    def _rank(self, size: int) -> int:
        """Return a place in the list; the first ones come most often."""
        power = 1 - EXPONENT
        place: float = (1 + self.random.random() * (size**power - 1)) ** (1 / power)
        return min(int(place), size) - 1

    def passages(self, count: int) -> Iterator[int]:
        """Yield the place of `count` plates; each that there is comes at least once, if it can."""
        random, size, total = self.random, self.size, len(self.plates)
        once = list(range(total))
        random.shuffle(once)
        once_share = min(1.0, total / count)
        for left in range(count, 0, -1):
            chance = random.random()
            if once and (chance < once_share or len(once) >= left):
                yield once.pop()
            elif chance > 1 - MISREAD_SHARE * 0.5:
                yield size + int((total - size) * random.random()) if total > size else 0
            else:
                yield self._rank(size)
