"""Draws a number plate in its region's style."""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from events.simulation.regions import REGIONS, Region

SCALE = 1.5  # pixels a millimetre: several times what the scene needs, so that scaling smooths


@lru_cache(maxsize=32)
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def text_picture(text: str, height: int, ink: tuple[int, int, int], weight: int) -> Image.Image:
    """Return the text cut to its edges, `height` pixels high, on a clear ground."""
    # 1.4: capitals are about 0.7 of the font's size.
    face = font(round(height * 1.4))
    probe = ImageDraw.Draw(Image.new("L", (1, 1)))
    left, top, right, bottom = probe.textbbox((0, 0), text, font=face, stroke_width=weight)
    size = (max(1, round(right - left)), max(1, round(bottom - top)))
    picture = Image.new("RGBA", size, (*ink, 0))
    ImageDraw.Draw(picture).text(
        (-left, -top), text, fill=ink, font=face, stroke_width=weight, stroke_fill=ink
    )
    return picture


def _fit(picture: Image.Image, width: int, height: int) -> Image.Image:
    """Scale to `height`, and condense when it is wider than `width`, as plate fonts do."""
    natural = round(picture.width * height / picture.height)
    return picture.resize((max(1, min(width, natural)), height), Image.Resampling.LANCZOS)


def _centre(plate: Image.Image, text: Image.Image, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    place = ((left + right - text.width) // 2, (top + bottom - text.height) // 2)
    plate.alpha_composite(text, place)


def _draw_banner(plate: Image.Image, region: Region, height: int) -> int:
    """Draw the strip along the top; return how far down it reaches."""
    depth = round(height * 0.24)
    draw = ImageDraw.Draw(plate)
    if region.band:
        edge = round(height * 0.05)
        draw.rectangle((edge, edge, plate.width - edge, depth), fill=region.band)
    ink = (245, 245, 245) if region.band else region.ink
    words = _fit(text_picture(region.banner, depth, ink, 1), plate.width // 2, round(depth * 0.55))
    _centre(plate, words, (0, round(depth * 0.15), plate.width, depth))
    return depth


def _draw_band(plate: Image.Image, region: Region) -> int:
    """Draw the blue strip at the left with its stars and country code; return its width."""
    width, height = round(plate.height * 0.4), plate.height
    draw = ImageDraw.Draw(plate)
    draw.rounded_rectangle((3, 3, width, height - 4), 8, fill=region.band)
    centre, radius = width / 2 + 1, width * 0.28
    draw.circle((centre, height * 0.3), radius, outline=(250, 205, 40), width=max(2, height // 40))
    code = _fit(text_picture(region.band_text, 40, (250, 250, 250), 1), width - 14, height // 4)
    _centre(plate, code, (0, round(height * 0.52), width, height - 6))
    return width


def draw_plate(text: str, region_code: str, *, front: bool) -> Image.Image:
    """Return the plate, about four times as large as it will be seen."""
    region = REGIONS[region_code]
    size = (round(region.width * SCALE), round(region.height * SCALE))
    plate = Image.new("RGBA", size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(plate)
    ground = region.front if front else region.rear
    outline = (110, 110, 110) if region.code in ("gb", "us") else BLACK_EDGE
    draw.rounded_rectangle(
        (0, 0, size[0] - 1, size[1] - 1), 12, fill=ground, outline=outline, width=4
    )
    left, top = 12, 0
    if region.banner:
        top = _draw_banner(plate, region, size[1])
    elif region.band:
        left = _draw_band(plate, region) + 6
    room = size[1] - top
    words = _fit(text_picture(text, room, region.ink, 5), size[0] - left - 28, round(room * 0.66))
    _centre(plate, words, (left, top, size[0] - 12, size[1]))
    return plate


BLACK_EDGE = (30, 30, 30)
