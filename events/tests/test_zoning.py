"""Which zone an event is put in, asked through the ingest API."""

from __future__ import annotations

from typing import Any

import pytest

from cameras.tests.factories import make_camera
from events.models import PlateEvent
from events.tests.conftest import Sender, make_sender
from events.tests.factories import picture, reading
from zones.models import Zone
from zones.tests.factories import make_zone

pytestmark = pytest.mark.django_db


def square(low: float, high: float) -> dict[str, Any]:
    ring = [[low, low], [high, low], [high, high], [low, high], [low, low]]
    return {"type": "Polygon", "coordinates": [ring]}


def image_zone(low: float, high: float, **fields: Any) -> Zone:
    return make_zone(space="image", geometry=square(low, high), **fields)


def map_zone(low: float, high: float, **fields: Any) -> Zone:
    return make_zone(space="map", geometry=square(low, high), **fields)


def zone_of(sender: Sender, **fields: Any) -> int | None:
    response = sender.send(reading(**fields))
    assert response.status_code == 201, response.content
    zone: int | None = response.json()["zone"]
    return zone


@pytest.mark.main_path
def test_sensors_own_zone_comes_first() -> None:
    own, seen = make_zone(), image_zone(0, 1)
    sender = make_sender(camera=make_camera(seen, width=100, height=100), zone=own)
    assert zone_of(sender, bbox=[1, 1, 2, 2]) == own.pk


def test_own_zone_that_is_disabled_does_not_count() -> None:
    sender = make_sender(zone=make_zone(enabled=False))
    assert zone_of(sender) is None


@pytest.mark.main_path
def test_image_zone_comes_before_map_zone_and_the_smallest_wins() -> None:
    large, small = image_zone(0, 1), image_zone(0, 0.5)
    place = map_zone(0, 10)
    camera = make_camera(large, small, place, width=100, height=100, latitude=5, longitude=5)
    sender = make_sender(camera=camera)
    assert zone_of(sender, bbox=[10, 10, 20, 10]) == small.pk
    assert zone_of(sender, bbox=[70, 70, 20, 10]) == large.pk
    assert zone_of(sender) == place.pk, "without a box the image says nothing"


def test_centre_of_the_box_decides_and_its_border_counts() -> None:
    zone = image_zone(0, 0.5)
    sender = make_sender(camera=make_camera(zone, width=100, height=100))
    assert zone_of(sender, bbox=[40, 40, 20, 20]) == zone.pk
    assert zone_of(sender, bbox=[41, 40, 20, 20]) is None


def test_size_of_the_frame_counts_before_that_of_the_camera() -> None:
    zone = image_zone(0, 0.5)
    sender = make_sender(camera=make_camera(zone, width=100, height=100))
    response = sender.send(reading(bbox=[60, 60, 20, 20]), frame=picture((200, 200)))
    assert response.json()["zone"] == zone.pk


def test_camera_of_unknown_size_has_no_place_in_the_image() -> None:
    sender = make_sender(camera=make_camera(image_zone(0, 1)))
    assert zone_of(sender, bbox=[1, 1, 1, 1]) is None


def test_place_of_the_event_counts_before_that_of_the_camera() -> None:
    here, there = map_zone(0, 10), map_zone(20, 30)
    sender = make_sender(camera=make_camera(here, there, latitude=5, longitude=5))
    assert zone_of(sender) == here.pk
    assert zone_of(sender, location={"latitude": 25, "longitude": 25}) == there.pk
    assert zone_of(sender, location={"latitude": 50, "longitude": 50}) is None


def test_zones_that_are_disabled_or_of_other_cameras_do_not_count() -> None:
    map_zone(0, 10)
    camera = make_camera(map_zone(0, 10, enabled=False), latitude=5, longitude=5)
    assert zone_of(make_sender(camera=camera)) is None


@pytest.mark.parametrize("own", [False, True])
def test_exclusion_comes_before_everything(own: bool) -> None:
    camera = make_camera(
        map_zone(0, 1, zone_type="exclusion"), map_zone(0, 10), latitude=0.5, longitude=0.5
    )
    sender = make_sender(camera=camera, zone=make_zone() if own else None)
    assert sender.send(reading()).status_code == 202
    assert not PlateEvent.objects.exists()


def test_sensor_whose_own_zone_excludes_keeps_nothing() -> None:
    sender = make_sender(zone=make_zone(zone_type="exclusion"))
    assert sender.send(reading()).status_code == 202
