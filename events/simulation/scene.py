"""Draws the empty road that a camera sees, by day and by night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

SIZE = (1280, 720)
Color = tuple[int, int, int]


@dataclass(frozen=True)
class View:
    """How one camera looks at its road. Positions are shares of the picture."""

    name: str
    lanes: tuple[float, ...]  # centre of each lane at the bottom edge
    vanishing: tuple[float, float]
    setting: str  # motorway, street, gate or tunnel
    front: bool  # vehicles come towards the camera
    width: int  # of a car, pixels


def daylight(moment: datetime) -> float:
    """Return 0 (night) to 1 (day) for the local hour, with an hour of twilight."""
    hour = moment.hour + moment.minute / 60
    return max(0.0, min(1.0, (hour - 6.5) / 1.2)) * max(0.0, min(1.0, (18.6 - hour) / 1.2))


def mix(dark: Color, light: Color, share: float) -> Color:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(dark, light, strict=True))
    return red, green, blue


def _gradient(size: tuple[int, int], top: Color, bottom: Color) -> Image.Image:
    mask = Image.linear_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, bottom), Image.new("RGB", size, top), mask)


class Painter:
    """A picture of one view in one light, in perspective towards its vanishing point."""

    def __init__(self, view: View, light: float) -> None:
        self.view, self.light = view, light
        self.horizon = round(view.vanishing[1] * SIZE[1])
        self.image = Image.new("RGB", SIZE)
        self.draw = ImageDraw.Draw(self.image, "RGBA")
        self.random = Random(view.name)  # noqa: S311 - the same trees and windows each time

    def point(self, x: float, depth: float) -> tuple[float, float]:
        """Where a point of the ground is seen: x at the bottom edge, depth 0 near to 1 far."""
        far_x, far_y = self.view.vanishing
        return ((x + (far_x - x) * depth) * SIZE[0], (1 + (far_y - 1) * depth) * SIZE[1])

    def shade(self, dark: Color, light: Color) -> Color:
        return mix(dark, light, self.light)

    def strip(self, left: float, right: float, near: float, far: float, fill: Color) -> None:
        corners = [(left, near), (right, near), (right, far), (left, far)]
        self.draw.polygon([self.point(*corner) for corner in corners], fill=fill)

    def wall(self, x: float, height: float, near: float, far: float, fill: Color) -> None:
        """Something upright along the road; `height` is its share of the picture when near."""
        (near_x, near_y), (far_x, far_y) = self.point(x, near), self.point(x, far)
        tops = [height * SIZE[1] * (1 - depth) for depth in (near, far)]
        corners = [
            (near_x, near_y),
            (far_x, far_y),
            (far_x, far_y - tops[1]),
            (near_x, near_y - tops[0]),
        ]
        self.draw.polygon(corners, fill=fill)

    def glow(self, x: float, y: float, radius: float, color: Color, strength: float) -> None:
        """Add light around a point."""
        size = max(4, round(radius * 2))
        halo = ImageChops.invert(Image.radial_gradient("L").resize((size, size)))
        # The gradient ends in the corners; 76 is what it has left at the sides.
        halo = halo.point(lambda v: round((max(0, v - 76) / 179) ** 2 * 255 * strength))
        box = (round(x - radius), round(y - radius))
        layer = Image.new("RGB", (size, size), color)
        under = self.image.crop((*box, box[0] + size, box[1] + size))
        lit = ImageChops.screen(under, Image.composite(layer, Image.new("RGB", layer.size), halo))
        self.image.paste(lit, box)


def _sky(painter: Painter) -> None:
    top = painter.shade((10, 14, 26), (112, 156, 206))
    low = painter.shade((34, 38, 54), (206, 218, 228))
    painter.image.paste(_gradient((SIZE[0], painter.horizon + 60), top, low), (0, 0))


def _road(painter: Painter) -> None:
    view = painter.view
    ground = painter.shade((20, 24, 22), (104, 118, 84))
    if view.setting in ("street", "gate"):
        ground = painter.shade((34, 34, 36), (148, 144, 138))
    near = tuple(round(part * 1.12) for part in ground)
    depth = SIZE[1] - painter.horizon
    painter.image.paste(_gradient((SIZE[0], depth), ground, near), (0, painter.horizon))  # type: ignore[arg-type]
    half = 0.34
    left, right = min(view.lanes) - half, max(view.lanes) + half
    mask = Image.new("L", SIZE)
    corners = [painter.point(*c) for c in ((left, -0.05), (right, -0.05), (right, 1), (left, 1))]
    ImageDraw.Draw(mask).polygon(corners, fill=255)
    asphalt = _gradient(
        SIZE,
        painter.shade((34, 35, 40), (124, 126, 130)),
        painter.shade((22, 23, 26), (92, 94, 98)),
    )
    grain = Image.effect_noise((SIZE[0], SIZE[1]), 22).filter(ImageFilter.GaussianBlur(0.8))
    grain = Image.merge("RGB", (grain, grain, grain))
    painter.image.paste(Image.blend(asphalt, grain, 0.10), (0, 0), mask)
    # Darker tracks where the wheels run.
    for lane in view.lanes:
        for offset in (-0.17, 0.17):
            track = (*painter.shade((14, 14, 16), (70, 72, 76)), 46)
            painter.strip(lane + offset - 0.05, lane + offset + 0.05, -0.05, 0.97, track)  # type: ignore[arg-type]
    _markings(painter, left, right)


def _markings(painter: Painter, left: float, right: float) -> None:
    paint = painter.shade((120, 120, 116), (232, 232, 226))
    for edge in (left + 0.03, right - 0.03):
        painter.strip(edge - 0.012, edge + 0.012, -0.05, 0.98, paint)
    for one, other in zip(painter.view.lanes, painter.view.lanes[1:], strict=False):
        middle, depth = (one + other) / 2, 0.02
        while depth < 0.95:
            length = (1 - depth) * 0.17
            painter.strip(middle - 0.010, middle + 0.010, depth, depth + length, paint)
            depth += length * 2.1


def _motorway(painter: Painter) -> None:
    random, horizon = painter.random, painter.horizon
    for left in range(-20, SIZE[0], 26):
        height = random.randint(14, 46)
        green = painter.shade((12, 16, 15), mix((60, 84, 56), (92, 112, 70), random.random()))
        painter.draw.ellipse(
            (left, horizon - height, left + random.randint(40, 80), horizon + 16), fill=green
        )
    rail = painter.shade((66, 68, 72), (172, 176, 180))
    for x in (min(painter.view.lanes) - 0.46, max(painter.view.lanes) + 0.46):
        for post in range(12):
            depth = 1 - 0.8**post
            painter.wall(
                x, 0.13, depth, min(1, depth + 0.006), painter.shade((44, 45, 48), (120, 122, 126))
            )
        foot, top = painter.point(x, -0.1), painter.point(x, 0.985)
        painter.draw.polygon(
            [
                (foot[0], foot[1] - 100),
                (foot[0], foot[1] - 62),
                (top[0], top[1] - 1),
                (top[0], top[1] - 2),
            ],
            fill=rail,
        )


def _street(painter: Painter) -> None:
    random = painter.random
    for side in (-1, 1):
        edge = (min(painter.view.lanes) - 0.55) if side < 0 else (max(painter.view.lanes) + 0.55)
        depth = 0.0
        while depth < 0.93:
            far = min(0.95, depth + (1 - depth) * 0.34)
            hue = mix((120, 92, 76), (188, 176, 158), random.random())
            height = random.uniform(1.1, 1.6)
            painter.wall(edge, height, depth, far, painter.shade(mix((0, 0, 0), hue, 0.26), hue))
            _windows(painter, edge, height, depth, far)
            depth = far
        kerb = edge - side * 0.18
        painter.strip(
            kerb - 0.02, kerb + 0.02, -0.05, 0.98, painter.shade((70, 70, 72), (190, 188, 182))
        )


def _windows(painter: Painter, edge: float, height: float, near: float, far: float) -> None:
    for row in range(4):
        for column in range(3):
            start = near + (far - near) * (0.12 + column * 0.3)
            end = start + (far - near) * 0.16
            lit = painter.random.random() < 0.4
            glass = painter.shade((226, 182, 104) if lit else (26, 30, 38), (92, 108, 124))
            (x0, y0), (x1, y1) = painter.point(edge, start), painter.point(edge, end)
            up0, up1 = height * SIZE[1] * (1 - start), height * SIZE[1] * (1 - end)
            low, high = 0.2 + row * 0.2, 0.31 + row * 0.2
            painter.draw.polygon(
                [
                    (x0, y0 - up0 * low),
                    (x1, y1 - up1 * low),
                    (x1, y1 - up1 * high),
                    (x0, y0 - up0 * high),
                ],
                fill=glass,
            )


def _gate(painter: Painter) -> None:
    horizon = painter.horizon
    wall = painter.shade((40, 40, 44), (176, 172, 164))
    painter.draw.rectangle((0, horizon - 150, SIZE[0], horizon + 4), fill=wall)
    for left in range(-40, SIZE[0], 190):
        painter.draw.rectangle(
            (left, horizon - 132, left + 120, horizon - 70),
            fill=painter.shade((48, 56, 70), (108, 128, 146)),
        )
    hedge = painter.shade((16, 24, 18), (70, 96, 58))
    for left in range(-20, SIZE[0], 30):
        top = horizon - 34 - painter.random.randint(0, 12)
        painter.draw.ellipse((left, top, left + 64, horizon + 22), fill=hedge)
    # Barrier post and its raised arm.
    x, y = painter.point(max(painter.view.lanes) + 0.43, 0.42)
    painter.draw.rectangle(
        (x - 24, y - 190, x + 24, y), fill=painter.shade((96, 70, 16), (236, 176, 40))
    )
    painter.draw.rectangle((x - 16, y - 172, x + 16, y - 130), fill=(28, 30, 34))
    for step in range(8):
        color = (206, 44, 40) if step % 2 else (240, 240, 238)
        painter.draw.line(
            (x - step * 14, y - 186 - step * 44, x - step * 14 - 14, y - 230 - step * 44),
            fill=color,
            width=12,
        )


def _tunnel(painter: Painter) -> None:
    view = painter.view
    painter.draw.rectangle((0, 0, SIZE[0], painter.horizon + 2), fill=(30, 28, 26))
    for edge in (min(view.lanes) - 0.5, max(view.lanes) + 0.5):
        painter.wall(edge, 1.9, -0.3, 0.99, (92, 84, 70))
        painter.wall(edge, 0.5, -0.3, 0.99, (138, 132, 118))
        painter.wall(edge, 0.08, -0.3, 0.99, (70, 66, 58))


def _tunnel_lamps(painter: Painter) -> None:
    for lamp in range(9):
        depth = 1 - 0.72**lamp
        for side in (0.28, 0.72):
            x, y = painter.point(side, depth)
            y -= 1.35 * SIZE[1] * (1 - depth)
            painter.glow(x, y, 190 * (1 - depth) + 12, (255, 206, 140), 0.75)


def _street_lamps(painter: Painter) -> None:
    if painter.light > 0.6 or painter.view.setting == "tunnel":
        return
    for lamp in range(2, 8):
        depth = 1 - 0.72**lamp
        for x in (min(painter.view.lanes) - 0.5, max(painter.view.lanes) + 0.5):
            foot = painter.point(x, depth)
            height = 0.95 * SIZE[1] * (1 - depth)
            painter.draw.line(
                (*foot, foot[0], foot[1] - height),
                fill=(52, 54, 58),
                width=max(1, round(10 * (1 - depth))),
            )
            painter.glow(foot[0], foot[1] - height, 240 * (1 - depth) + 10, (255, 204, 138), 0.9)


SETTINGS = {"motorway": _motorway, "street": _street, "gate": _gate, "tunnel": _tunnel}


@lru_cache(maxsize=16)
def backdrop(view: View, light: float) -> Image.Image:
    """Return the empty road; a camera needs it once for each light."""
    painter = Painter(view, 0.35 if view.setting == "tunnel" else light)
    _sky(painter)
    if view.setting in ("tunnel", "street"):
        SETTINGS[view.setting](painter)
        _road_between(painter)
    else:
        _road(painter)
        SETTINGS[view.setting](painter)
    if view.setting == "tunnel":
        _tunnel_lamps(painter)
    _street_lamps(painter)
    return painter.image.filter(ImageFilter.GaussianBlur(1.6))


def _road_between(painter: Painter) -> None:
    """The road of a view whose sides are walls: drawn without covering them."""
    walls = painter.image.copy()
    _road(painter)
    half = 0.56
    left, right = min(painter.view.lanes) - half, max(painter.view.lanes) + half
    mask = Image.new("L", SIZE)
    corners = [painter.point(*c) for c in ((left, -0.3), (right, -0.3), (right, 1), (left, 1))]
    ImageDraw.Draw(mask).polygon(corners, fill=255)
    painter.image.paste(Image.composite(painter.image, walls, mask), (0, 0))
