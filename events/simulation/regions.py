"""Number-plate formats: how each region's plates read and look."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

Color = tuple[int, int, int]

WHITE, YELLOW, BLACK = (244, 244, 240), (250, 206, 40), (22, 22, 24)
EU_BLUE, US_NAVY, BR_BLUE = (0, 51, 153), (30, 48, 110), (20, 60, 150)
# Letters that British and French plates avoid are left out of all: they are the look-alikes.
CLEAR_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
GERMAN_TOWNS = ("B", "M", "HH", "K", "F", "S", "DD", "HB", "KA", "MZ", "BN", "OG", "FR")
BRITISH_AREAS = ("AB", "BD", "EK", "FG", "GV", "KX", "LM", "LR", "MA", "OE", "RK", "SD", "WN", "YJ")
BRITISH_AGES = ("15", "66", "17", "67", "18", "19", "69", "20", "70", "21", "71", "72", "23", "74")


@dataclass(frozen=True)
class Region:
    """One country's plates. In `pattern`, L and C are letters (C: clear ones), D digits.

    `band` is the coloured strip: at the left end with the country's code, or along the top with
    its name. `width` and `height` are millimetres.
    """

    code: str
    pattern: str
    share: float
    front: Color = WHITE
    rear: Color = WHITE
    ink: Color = BLACK
    band: Color | None = EU_BLUE
    band_text: str = ""
    banner: str = ""
    width: int = 520
    height: int = 112

    def new_plate(self, random: Random) -> str:
        """Return a plate as it is printed, spaces and dashes included."""
        letters = {"L": LETTERS, "C": CLEAR_LETTERS, "D": DIGITS}
        text = "".join(
            random.choice(letters[sign]) if sign in letters else sign for sign in self.pattern
        )
        if self.code == "de":
            text = f"{random.choice(GERMAN_TOWNS)} {text}"
        if self.code == "gb":
            text = f"{random.choice(BRITISH_AREAS)}{random.choice(BRITISH_AGES)} {text}"
        return text


REGIONS = {
    region.code: region
    for region in (
        Region("gb", "CCC", 0.46, rear=YELLOW, band=None),
        Region("de", "CC DDDD", 0.15, band_text="D"),
        Region("fr", "CC-DDD-CC", 0.11, band_text="F"),
        Region("nl", "CC-DDD-C", 0.09, YELLOW, YELLOW, band_text="NL"),
        Region("es", "DDDD CCC", 0.05, band_text="E"),
        Region("pl", "CC DDDCC", 0.04, band_text="PL"),
        Region(
            "us", "DCCCDDD", 0.06, ink=US_NAVY, band=None, banner="ROADSIDE", width=305, height=152
        ),
        Region("br", "LLLDLDD", 0.04, band=BR_BLUE, banner="BRASIL", width=400, height=130),
    )
}


def pick_region(random: Random) -> Region:
    regions = list(REGIONS.values())
    return random.choices(regions, [region.share for region in regions])[0]
