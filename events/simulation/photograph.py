"""Takes a camera's picture: the road, a vehicle on it, noise, the caption, and the plate's crop."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter

from events.simulation.plate_picture import font
from events.simulation.scene import SIZE, Painter, View, backdrop, daylight
from events.simulation.vehicle_picture import Box, VehiclePicture, draw_vehicle

CROP_SIZE = (208, 64)
RELATIVE_WIDTH = {"car": 1.0, "suv": 1.03, "van": 0.96, "truck": 0.88}


def _shadow(image: Image.Image, box: Box, light: float) -> None:
    left, bottom, width, _ = box
    patch = Image.new("L", (round(width * 1.3), 110))
    ImageDraw.Draw(patch).ellipse(
        (width * 0.1, 30, width * 1.2, 84), fill=round(150 + 70 * (1 - light))
    )
    patch = patch.filter(ImageFilter.GaussianBlur(11))
    place = (round(left - width * 0.15), bottom - 62)
    image.paste(Image.new("RGB", patch.size, (8, 8, 10)), place, patch)


def _place_vehicle(
    image: Image.Image,
    view: View,
    vehicle: VehiclePicture,
    lane: float,
    light: float,
    random: Random,
) -> Box:
    """Put the vehicle on its lane; return the box of its plate in the picture."""
    bottom = SIZE[1] - random.randint(56, 108)
    depth = (SIZE[1] - bottom) / SIZE[1] / (1 - view.vanishing[1])
    centre = (lane + (view.vanishing[0] - lane) * depth) * SIZE[0] + random.randint(-26, 26)
    picture = vehicle.image
    left, top = round(centre - picture.width / 2), bottom - picture.height
    _shadow(image, (left, bottom, picture.width, 0), light)
    alpha = picture.getchannel("A")
    # At night the body is dim and the plate, which throws the light back, is not.
    body = ImageEnhance.Brightness(picture.convert("RGB")).enhance(0.34 + 0.66 * light)
    plate = vehicle.plate
    glare = picture.convert("RGB").crop(
        (plate[0], plate[1], plate[0] + plate[2], plate[1] + plate[3])
    )
    body.paste(ImageEnhance.Brightness(glare).enhance(0.86 + 0.14 * light), plate[:2])
    image.paste(body, (left, top), alpha)
    return left + plate[0], top + plate[1], plate[2], plate[3]


def _caption(image: Image.Image, name: str, moment: datetime) -> None:
    draw = ImageDraw.Draw(image, "RGBA")
    draw.rectangle((0, 0, SIZE[0], 34), fill=(0, 0, 0, 130))
    draw.text((16, 7), name, fill=(240, 240, 240), font=font(17))
    stamp = f"{moment:%Y-%m-%d  %H:%M:%S}.{moment.microsecond // 1000:03d}"
    draw.text((SIZE[0] - 16, 7), stamp, fill=(240, 240, 240), font=font(17), anchor="ra")


def _lamp_light(
    painter: Painter, vehicle: VehiclePicture, origin: tuple[int, int], front: bool
) -> None:
    color = (255, 246, 220) if front else (255, 40, 30)
    for x, y in vehicle.lamps:
        painter.glow(origin[0] + x, origin[1] + y, 120 if front else 70, color, 0.85)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


@dataclass(frozen=True)
class Picture:
    frame: bytes
    crop: bytes
    bbox: Box


def crop_around(image: Image.Image, plate: Box) -> Image.Image:
    """Cut out the plate with a little around it, in the shape every crop has."""
    left, top, width, height = plate
    wide = max(width * 1.14, height * 1.3 * CROP_SIZE[0] / CROP_SIZE[1])
    high = wide * CROP_SIZE[1] / CROP_SIZE[0]
    x, y = left + width / 2, top + height / 2
    box = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
    return image.resize(CROP_SIZE, Image.Resampling.BICUBIC, box=box)


def photograph(
    *,
    view: View,
    moment: datetime,
    kind: str,
    color: str,
    plate: str,
    region: str,
    random: Random,
) -> Picture:
    """Return the frame and the crop that a camera would send at that local time."""
    light = 0.55 if view.setting == "tunnel" else round(daylight(moment), 1)
    painter = Painter(view, light)
    painter.image = backdrop(view, light).copy()
    scale = RELATIVE_WIDTH[kind]
    vehicle = draw_vehicle(
        kind=kind,
        color=color,
        plate=plate,
        region=region,
        front=view.front,
        lit=light < 0.7,
        width=round(view.width * scale),
    )
    lane = random.choice(view.lanes)
    box = _place_vehicle(painter.image, view, vehicle, lane, light, random)
    if light < 0.7:
        origin = (box[0] - vehicle.plate[0], box[1] - vehicle.plate[1])
        _lamp_light(painter, vehicle, origin, view.front)
    image = painter.image.filter(ImageFilter.GaussianBlur(0.5))
    noise = Image.effect_noise(SIZE, 2.2 + 1.0 * (1 - light))
    image = ImageChops.add(image, Image.merge("RGB", (noise, noise, noise)), 1, -128)
    crop = crop_around(image, box)
    _caption(image, view.name, moment)
    return Picture(_jpeg(image, 84), _jpeg(crop, 88), box)
