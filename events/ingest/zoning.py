"""Which zone a reading belongs to, and whether it is in one that is to be ignored."""

from __future__ import annotations

from collections.abc import Sequence

from cameras.models import Camera
from events.readings import PlateReading
from sensors.models import SensorSettings
from zones.models import Space, Zone, ZoneType, smallest_holding

Point = tuple[float, float]


def _place_in_image(
    reading: PlateReading, camera: Camera, frame_size: tuple[int, int] | None
) -> Point | None:
    """The centre of the plate's box as a share of the frame, or None when that cannot be known."""
    width, height = frame_size or (camera.width, camera.height)
    if reading.bbox is None or not width or not height:
        return None
    x, y, box_width, box_height = reading.bbox
    return (x + box_width / 2) / width, (y + box_height / 2) / height


def _place_on_map(reading: PlateReading, camera: Camera) -> Point | None:
    if reading.location is not None:
        return reading.location.longitude, reading.location.latitude
    if camera.longitude is not None and camera.latitude is not None:
        return camera.longitude, camera.latitude
    return None


def _holding(zones: list[Zone], places: dict[Space, Point | None]) -> Zone | None:
    """The smallest zone that holds the reading; one of the image before one of the map."""
    for space in (Space.IMAGE, Space.MAP):
        place = places[space]
        found = place and smallest_holding((z for z in zones if z.space == space), *place)
        if found:
            return found
    return None


def zone_of(
    *,
    reading: PlateReading,
    sensor: SensorSettings,
    camera: Camera | None,
    zones: Sequence[Zone],
    frame_size: tuple[int, int] | None,
) -> Zone | None:
    """Return the zone of a reading; if that is an exclusion zone, the reading is not to be kept.

    `zones` are the camera's enabled ones. Exclusion comes first; then the sensor's own zone; then
    the camera's zone that holds the plate in the image; then the one that holds the place.
    """
    own = sensor.zone
    if own is not None and not own.enabled:
        own = None
    if camera is None or not zones:
        return own
    places = {
        Space.IMAGE: _place_in_image(reading, camera, frame_size),
        Space.MAP: _place_on_map(reading, camera),
    }
    excluding = _holding([z for z in zones if z.zone_type == ZoneType.EXCLUSION], places)
    if excluding:
        return excluding
    return own or _holding([z for z in zones if z.zone_type != ZoneType.EXCLUSION], places)
