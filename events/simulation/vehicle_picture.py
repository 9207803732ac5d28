"""Draws a vehicle from the front or the rear, in its colour, with its plate."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

from events.simulation.plate_picture import draw_plate
from events.simulation.regions import REGIONS
from events.simulation.vehicle_canvas import (
    OVERSIZE,
    PAINTS,
    SHAPES,
    Drawing,
    Fill,
    Point,
    Shape,
    mirrored,
    smooth,
    tint,
)

Box = tuple[int, int, int, int]

PLATE_SCALE = 1.12  # a little larger than life: the plate is what is looked at


@dataclass(frozen=True)
class VehiclePicture:
    """A vehicle on a clear ground; `plate` is its box and `lamps` the lamps' centres in it."""

    image: Image.Image
    plate: Box
    lamps: tuple[Point, Point]


def _wheels(drawing: Drawing) -> None:
    drawing.both([(0.95, 0.0), (0.95, 0.5), (0.64, 0.5), (0.64, 0.0)], (18, 18, 20), 1)
    drawing.both([(0.80, 0.02), (0.80, 0.3), (0.70, 0.3), (0.70, 0.02)], (34, 34, 37), 1)


def _body(drawing: Drawing, shape: Shape, paint: Fill) -> None:
    cabin = [
        (shape.cabin_top * 0.6, shape.roof),
        (shape.cabin_top, shape.roof - 0.03),
        (shape.cabin_top + 0.06, shape.roof - 0.12),
        (shape.cabin_bottom + 0.04, shape.base),
        (shape.cabin_bottom + 0.06, shape.base - 0.15),
    ]
    drawing.shaded(mirrored(cabin), paint, 225, 175, 2)
    sill = 0.17
    body = [
        (shape.cabin_bottom * 0.7, shape.base + 0.03),
        (shape.cabin_bottom + 0.03, shape.base + 0.01),
        (0.97, shape.base - 0.14),
        (1.0, shape.lamp - 0.02),
        (1.0, 0.42),
        (0.96, sill),
        (0.80, sill - 0.02),
    ]
    drawing.shaded(mirrored(body), paint, 235, 120, 2)


def _glass(drawing: Drawing, shape: Shape, *, lower: float) -> None:
    glass = [
        (shape.cabin_top * 0.5, shape.roof - 0.09),
        (shape.cabin_top - 0.02, shape.roof - 0.11),
        (shape.cabin_bottom - 0.07, lower + 0.05),
        (shape.cabin_bottom - 0.12, lower),
        (shape.cabin_bottom * 0.5, lower - 0.02),
    ]
    drawing.shaded(mirrored(glass), (62, 74, 88), 255, 90, 2)
    # The sky's reflection, slanted, and the seats behind the glass.
    streak = Image.new("RGBA", drawing.image.size, (0, 0, 0, 0))
    brush = ImageDraw.Draw(streak)
    top, span = shape.roof - 0.12, shape.cabin_top
    for start, width in ((-0.62, 0.26), (-0.22, 0.08)):
        slant = [
            (start * span, top),
            ((start + width) * span, top),
            ((start + width - 0.36) * span, lower + 0.03),
            ((start - 0.36) * span, lower + 0.03),
        ]
        brush.polygon([drawing.place(p) for p in slant], fill=(220, 232, 245, 34))
    inside = [(0.42, lower + 0.06), (0.42, lower + 0.24), (0.2, lower + 0.24), (0.2, lower + 0.06)]
    for sign in (1, -1):
        seat = [drawing.place((sign * x, y)) for x, y in smooth(inside, 2)]
        brush.polygon(seat, fill=(12, 14, 18, 90))
    drawing.image.alpha_composite(streak)
    drawing.line(
        [(-shape.cabin_bottom + 0.1, lower - 0.01), (shape.cabin_bottom - 0.1, lower - 0.01)],
        (16, 17, 19),
        0.02,
    )


def _doors(drawing: Drawing, shape: Shape, paint: Fill) -> None:
    """The two doors of a box body, with hinges and bars, where others have a rear window."""
    top, low, seam = shape.roof - 0.1, shape.lamp + 0.26, tint(paint, 0.62)
    drawing.line([(-0.84, low), (-0.84, top), (0.84, top), (0.84, low), (-0.84, low)], seam, 0.014)
    drawing.line([(0.0, low), (0.0, top)], seam, 0.016)
    for x in (-0.2, 0.2):
        drawing.line([(x, low + 0.04), (x, top - 0.04)], (150, 154, 158), 0.016)
        drawing.line([(x, low + 0.3), (x + 0.14, low + 0.3)], (120, 124, 128), 0.024)
    for y in (low + 0.2, (low + top) / 2, top - 0.2):
        for x in (-0.84, 0.76):
            drawing.line([(x, y), (x + 0.08, y)], (130, 134, 138), 0.03)


def _mirrors(drawing: Drawing, shape: Shape, paint: Fill) -> None:
    y = shape.base + 0.05
    ear = [(0.8, y - 0.02), (0.9, y + 0.1), (1.12, y + 0.12), (1.14, y + 0.02), (1.0, y - 0.03)]
    drawing.both(ear, tint(paint, 0.72))
    inner = [(0.97, y + 0.01), (0.98, y + 0.07), (1.1, y + 0.08), (1.11, y + 0.03)]
    drawing.both(inner, tint(paint, 0.95))


def _front_lamps(drawing: Drawing, shape: Shape, *, lit: bool) -> None:
    y = shape.lamp
    housing = [
        (0.52, y + 0.0),
        (0.58, y + 0.1),
        (0.93, y + 0.17),
        (0.97, y + 0.05),
        (0.78, y - 0.04),
    ]
    drawing.both(housing, (48, 52, 58))
    glass = [
        (0.57, y + 0.02),
        (0.62, y + 0.09),
        (0.91, y + 0.14),
        (0.93, y + 0.06),
        (0.76, y - 0.01),
    ]
    drawing.both(glass, (255, 252, 238) if lit else (198, 206, 214))
    drawing.both(
        [(0.86, y + 0.06), (0.88, y + 0.13), (0.94, y + 0.13), (0.95, y + 0.06)], (232, 140, 42)
    )
    drawing.both(
        [(0.66, y + 0.03), (0.66, y + 0.09), (0.74, y + 0.1), (0.75, y + 0.03)], (250, 250, 250)
    )


def _front(drawing: Drawing, shape: Shape, paint: Fill, *, lit: bool) -> None:
    y = shape.lamp
    crease = tint(paint, 0.78)
    for sign in (1, -1):
        drawing.line([(sign * 0.62, shape.base - 0.03), (sign * 0.52, y + 0.16)], crease, 0.012)
    drawing.line(
        [(-0.9, y + 0.19), (-0.5, y + 0.14), (0.5, y + 0.14), (0.9, y + 0.19)], crease, 0.012
    )
    grille = [(0.3, y + 0.11), (0.5, y + 0.09), (0.46, y - 0.05), (0.3, y - 0.08)]
    drawing.area(mirrored(grille), (26, 27, 30))
    for step in (0.02, 0.06, 0.1):
        drawing.line(
            [(-0.44, y - 0.06 + step * 1.3), (0.44, y - 0.06 + step * 1.3)], (74, 77, 82), 0.012
        )
    drawing.area(
        [(0.0, y + 0.1), (0.08, y + 0.03), (0.0, y - 0.04), (-0.08, y + 0.03)], (206, 210, 214), 2
    )
    low = shape.plate_front
    intake = [(0.55, low + 0.12), (0.68, low + 0.06), (0.62, low - 0.2), (0.4, low - 0.22)]
    drawing.area(mirrored(intake), (24, 25, 28))
    drawing.line([(-0.58, low - 0.12), (0.58, low - 0.12)], (52, 54, 58), 0.014)
    fog = [(0.76, low - 0.04), (0.92, low + 0.02), (0.92, low - 0.08), (0.78, low - 0.14)]
    drawing.both(fog, (30, 31, 34))
    drawing.both([(0.81, low - 0.04), (0.88, low - 0.02), (0.87, low - 0.09)], (176, 182, 188))
    _front_lamps(drawing, shape, lit=lit)


def _rear_lamps(drawing: Drawing, shape: Shape, *, lit: bool) -> None:
    y = shape.lamp + 0.02
    red = (255, 44, 36) if lit else (170, 22, 26)
    lamp = [(0.56, y + 0.02), (0.56, y + 0.14), (0.92, y + 0.2), (0.99, y + 0.12), (0.96, y - 0.04)]
    drawing.both(lamp, (96, 12, 16))
    drawing.both([(0.59, y + 0.05), (0.59, y + 0.12), (0.91, y + 0.17), (0.95, y + 0.08)], red)
    drawing.both(
        [(0.6, y + 0.045), (0.6, y + 0.075), (0.76, y + 0.08), (0.77, y + 0.035)], (236, 226, 220)
    )


def _rear(drawing: Drawing, shape: Shape, paint: Fill, *, lit: bool) -> None:
    crease = tint(paint, 0.7)
    y, low = shape.lamp, shape.plate_rear
    # The hatch: its seam, the recess of the plate, the handle.
    seam = [(-0.62, shape.base - 0.06), (-0.6, y + 0.1), (-0.54, low - 0.14), (0.54, low - 0.14)]
    drawing.line([*seam, (0.6, y + 0.1), (0.62, shape.base - 0.06)], crease, 0.012)
    recess = [(0.42, low + 0.14), (0.46, low + 0.1), (0.44, low - 0.12), (0.38, low - 0.14)]
    drawing.area(mirrored(recess), tint(paint, 0.6))
    drawing.line([(-0.3, low + 0.13), (0.3, low + 0.13)], (200, 204, 208), 0.022)
    bumper = [(0.5, 0.36), (0.86, 0.38), (0.9, 0.2), (0.5, 0.16)]
    drawing.area(mirrored(bumper), (34, 35, 38))
    drawing.both([(0.7, 0.36), (0.88, 0.36), (0.88, 0.31), (0.7, 0.31)], (140, 20, 22), 1)
    drawing.both([(0.5, 0.22), (0.64, 0.22), (0.64, 0.15), (0.5, 0.15)], (120, 123, 127), 1)
    drawing.area(
        [(0.0, low + 0.27), (0.06, low + 0.21), (0.0, low + 0.15), (-0.06, low + 0.21)],
        (206, 210, 214),
    )
    drawing.line([(0.0, shape.base + 0.02), (0.34, shape.base + 0.1)], (14, 14, 16), 0.016)
    _rear_lamps(drawing, shape, lit=lit)


def _add_plate(drawing: Drawing, plate: Image.Image, width: float, y: float) -> Box:
    pixels = round(width * drawing.unit)
    size = (pixels, round(pixels * plate.height / plate.width))
    centre_x, centre_y = drawing.place((0, y))
    left, top = round(centre_x - size[0] / 2), round(centre_y - size[1] / 2)
    edge = max(2, round(0.012 * drawing.unit))
    drawing.draw.rounded_rectangle(
        (left - edge, top - edge, left + size[0] + edge, top + size[1] + edge),
        edge,
        fill=(18, 18, 20),
    )
    drawing.image.alpha_composite(plate.resize(size, Image.Resampling.LANCZOS), (left, top))
    return left, top, size[0], size[1]


def draw_vehicle(
    *, kind: str, color: str, plate: str, region: str, front: bool, lit: bool, width: int
) -> VehiclePicture:
    """Return the vehicle, its body `width` pixels wide."""
    shape, paint = SHAPES[kind], PAINTS[color]
    drawing = Drawing(shape, width)
    _wheels(drawing)
    _body(drawing, shape, paint)
    if shape.box_body and not front:
        _doors(drawing, shape, paint)
    else:
        _glass(drawing, shape, lower=shape.base + (0.0 if front else 0.1))
    _mirrors(drawing, shape, paint)
    (_front if front else _rear)(drawing, shape, paint, lit=lit)
    left, top, wide, high = _add_plate(
        drawing,
        draw_plate(plate, region, front=front),
        PLATE_SCALE * REGIONS[region].width / shape.millimetres * 2,
        shape.plate_front if front else shape.plate_rear,
    )
    image = drawing.image.reduce(OVERSIZE).filter(ImageFilter.UnsharpMask(1, 40, 2))
    lamps = tuple(drawing.place((sign * 0.78, shape.lamp + 0.07)) for sign in (-1, 1))
    return VehiclePicture(
        image,
        (left // OVERSIZE, top // OVERSIZE, wide // OVERSIZE, high // OVERSIZE),
        tuple((x / OVERSIZE, y / OVERSIZE) for x, y in lamps),  # type: ignore[arg-type]
    )
