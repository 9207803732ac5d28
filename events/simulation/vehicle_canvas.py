"""A canvas for vehicles, and the shapes and paints they come in.

Coordinates are in half vehicle widths: x from -1 to 1, y upwards from the ground.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw

Point = tuple[float, float]
Fill = tuple[int, ...]

OVERSIZE = 2  # drawn this much larger, then scaled down: smooth edges
MARGIN = 1.16  # the mirrors stick out

PAINTS: dict[str, tuple[int, int, int]] = {
    "black": (38, 40, 44),
    "white": (226, 228, 230),
    "grey": (112, 117, 124),
    "silver": (176, 181, 187),
    "blue": (38, 82, 150),
    "red": (164, 32, 38),
    "green": (44, 92, 66),
    "brown": (98, 72, 54),
    "yellow": (226, 178, 42),
    "orange": (208, 98, 34),
}


@dataclass(frozen=True)
class Shape:
    """Proportions of a type of vehicle; heights as y, cabin widths as x."""

    millimetres: int
    roof: float
    base: float  # lower edge of the windows
    cabin_bottom: float
    cabin_top: float
    lamp: float
    plate_front: float
    plate_rear: float
    box_body: bool = False


SHAPES = {
    "car": Shape(1790, 1.60, 1.02, 0.85, 0.62, 0.74, 0.42, 0.66),
    "suv": Shape(1900, 1.74, 1.16, 0.89, 0.70, 0.88, 0.50, 0.74),
    "van": Shape(2020, 2.10, 1.20, 0.93, 0.82, 0.82, 0.46, 0.62),
    "truck": Shape(2300, 2.30, 1.24, 0.98, 0.93, 0.66, 0.40, 0.46, box_body=True),
}


def smooth(points: Sequence[Point], rounds: int = 3) -> list[Point]:
    """Cut the corners of a closed polygon (Chaikin), which rounds it like sheet metal."""
    line = list(points)
    for _ in range(rounds):
        cut: list[Point] = []
        for (x, y), (to_x, to_y) in zip(line, [*line[1:], line[0]], strict=True):
            cut.append((x * 0.75 + to_x * 0.25, y * 0.75 + to_y * 0.25))
            cut.append((x * 0.25 + to_x * 0.75, y * 0.25 + to_y * 0.75))
        line = cut
    return line


def mirrored(right_half: Sequence[Point]) -> list[Point]:
    """Complete an outline, given from the top to the bottom of its right half."""
    return [*right_half, *((-x, y) for x, y in reversed(right_half))]


def tint(color: Sequence[int], factor: float) -> Fill:
    return tuple(max(0, min(255, round(part * factor))) for part in color[:3])


class Drawing:
    """A canvas in vehicle coordinates."""

    def __init__(self, shape: Shape, width: int) -> None:
        self.unit = width / 2 * OVERSIZE
        self.top = shape.roof + 0.06
        size = (round(2 * MARGIN * self.unit), round((self.top + 0.02) * self.unit))
        self.image = Image.new("RGBA", size, (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.image)

    def place(self, point: Point) -> Point:
        return ((point[0] + MARGIN) * self.unit, (self.top - point[1]) * self.unit)

    def area(self, points: Sequence[Point], fill: Fill, rounds: int = 2) -> None:
        self.draw.polygon([self.place(p) for p in smooth(points, rounds)], fill=fill)

    def both(self, points: Sequence[Point], fill: Fill, rounds: int = 2) -> None:
        self.area(points, fill, rounds)
        self.area([(-x, y) for x, y in points], fill, rounds)

    def line(self, points: Sequence[Point], fill: Fill, width: float) -> None:
        pixels = max(1, round(width * self.unit))
        self.draw.line([self.place(p) for p in points], fill=fill, width=pixels, joint="curve")

    def shaded(self, points: Sequence[Point], fill: Fill, high: int, low: int, rounds: int) -> None:
        """Fill with light from above (`high`, `low`: 0 to 255 at its top and its bottom)."""
        outline = [self.place(p) for p in smooth(points, rounds)]
        mask = Image.new("L", self.image.size)
        ImageDraw.Draw(mask).polygon(outline, fill=255)
        box = mask.getbbox() or (0, 0, 1, 1)
        size = (box[2] - box[0], box[3] - box[1])
        light = Image.linear_gradient("L").point(lambda v: round(high + (low - high) * v / 255))
        # The flanks turn away from the camera: darker towards both sides.
        side = Image.linear_gradient("L").rotate(90).resize((max(1, size[0] // 2), size[1]))
        side = side.point(lambda v: min(255, 150 + round(v * 1.1)))
        edge = Image.new("L", size, 255)
        edge.paste(side, (0, 0))
        edge.paste(side.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (size[0] - side.width, 0))
        light = ImageChops.multiply(light.resize(size), edge)
        plain = Image.new("RGB", size, tint(fill, 1.18))
        lit = ImageChops.multiply(plain, Image.merge("RGB", (light, light, light)))
        self.image.paste(lit, box[:2], mask.crop(box))
