from __future__ import annotations

import io
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from random import Random

import pytest
from PIL import Image, ImageStat

from events.plates import normalize
from events.readings import decode_reading
from events.simulation.area import POSTS, Post
from events.simulation.misreads import misread, read_plate, swapped
from events.simulation.photograph import Picture, photograph
from events.simulation.regions import REGIONS, Region
from events.simulation.sensor import report
from events.simulation.traffic import Fleet, arrivals, intensity, new_vehicle
from events.simulation.vehicle_canvas import PAINTS, SHAPES

# What a person may expect of the traffic, checked on the same throws of the dice each time.
SEED = 1
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
NOON = MIDNIGHT + timedelta(hours=12)


def dice() -> Random:
    return Random(SEED)  # noqa: S311 - traffic, not secrets


def test_a_day_has_the_asked_rate_and_two_peaks() -> None:
    day = takewhile(
        lambda moment: moment < MIDNIGHT + timedelta(days=1), arrivals(dice(), MIDNIGHT, 0.5)
    )
    hours = Counter(moment.hour for moment in day)
    assert sum(hours.values()) == pytest.approx(0.5 * 86_400, rel=0.08)
    assert hours[7] > 3 * hours[3]
    assert hours[16] > 3 * hours[1]


def test_intensity_has_no_steps_and_a_mean_of_one() -> None:
    minutes = [intensity(MIDNIGHT + timedelta(minutes=minute)) for minute in range(1440)]
    assert sum(minutes) / len(minutes) == pytest.approx(1, abs=0.03)
    assert max(abs(a - b) for a, b in pairwise(minutes)) < 0.02


def test_some_vehicles_return_often_and_many_never() -> None:
    fleet = Fleet(dice())
    seen = Counter(fleet.next_vehicle().plate for _ in range(4000))
    assert seen.most_common(1)[0][1] > 30
    assert sum(1 for count in seen.values() if count == 1) > 1000


@pytest.mark.parametrize("region", REGIONS.values(), ids=REGIONS)
def test_plates_have_the_length_of_their_region(region: Region) -> None:
    random = dice()
    for _ in range(50):
        plate = region.new_plate(random)
        assert 6 <= len(normalize(plate)) <= 8


def test_reader_is_mostly_right_and_less_sure_when_wrong() -> None:
    random = dice()
    reads = [read_plate("AB12 CDE", random) for _ in range(2000)]
    wrong = [read for read in reads if read.plate != "AB12 CDE"]
    right = [read for read in reads if read.plate == "AB12 CDE"]
    assert 60 < len(wrong) < 240
    mean = {
        id(group): sum(read.confidence for read in group) / len(group) for group in (wrong, right)
    }
    assert mean[id(wrong)] + 0.2 < mean[id(right)]
    truth_offered = [read for read in wrong if "AB12 CDE" in dict(read.candidates)]
    assert len(truth_offered) == len(wrong)


def test_misreads_are_near_misses() -> None:
    random = dice()
    for _ in range(200):
        assert abs(len(misread("AB12CDE", random)) - 7) <= 1
    assert swapped("XYXY", random) == "XYXY"  # nothing in it looks like anything else


def test_reports_are_what_the_api_takes() -> None:
    random = dice()
    tyres = 0
    for _ in range(100):
        event = report(POSTS[0], new_vehicle(random), NOON, random)
        reading = decode_reading(json.dumps(event).encode())
        assert reading.captured_at == NOON
        tyres += bool(reading.tpms)
    assert 15 < tyres < 55


def picture_of(**fields: object) -> Picture:
    usual = {
        "view": POSTS[0].view,
        "moment": NOON,
        "kind": "car",
        "color": "black",
        "plate": "AB12 CDE",
        "region": "gb",
        "random": dice(),
    }
    return photograph(**usual | fields)  # type: ignore[arg-type]


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


@pytest.mark.parametrize("post", POSTS, ids=lambda post: post.name)
@pytest.mark.parametrize("hour", [2, 12])
def test_the_box_holds_the_plate_by_day_and_by_night(post: Post, hour: int) -> None:
    picture = picture_of(view=post.view, moment=MIDNIGHT + timedelta(hours=hour))
    left, top, width, height = picture.bbox
    frame = opened(picture.frame)
    assert frame.size == (1280, 720)
    inside = ImageStat.Stat(frame.crop((left, top, left + width, top + height)).convert("L"))
    above = (left, top - height - 10, left + width, top - 10)
    # A bright ground with dark letters on a black car.
    assert inside.mean[0] > ImageStat.Stat(frame.crop(above).convert("L")).mean[0] + 30
    assert inside.stddev[0] > 30


def test_night_is_darker_than_day() -> None:
    day, night = (
        ImageStat.Stat(opened(picture_of(moment=moment).frame).convert("L")).mean[0]
        for moment in (NOON, MIDNIGHT)
    )
    assert night < 0.6 * day


def test_british_plates_are_white_in_front_and_yellow_behind() -> None:
    colors = {}
    for post in POSTS[:2]:
        red, _, blue = ImageStat.Stat(opened(picture_of(view=post.view).crop)).mean
        colors[post.view.front] = red - blue
    assert colors[False] > colors[True] + 40


@pytest.mark.parametrize(("kind", "region"), list(zip([*SHAPES, *SHAPES], REGIONS, strict=True)))
def test_every_vehicle_and_plate_can_be_drawn(kind: str, region: str) -> None:
    color = list(PAINTS)[len(kind) % len(PAINTS)]
    plate = REGIONS[region].new_plate(dice())
    for post in POSTS[1:3]:  # from the rear, from the front
        left, top, width, height = picture_of(
            kind=kind, region=region, color=color, plate=plate, view=post.view
        ).bbox
        assert left > 0
        assert left + width < 1280
        assert 0 < top < top + height < 720
