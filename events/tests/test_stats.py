from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from cameras.tests.factories import make_camera
from events import stats
from events.dispatch import assign_positions, dispatch
from events.filters import parse_filter
from events.models import PlateEvent, Rollup
from events.rollups import remove_events
from events.spans import week_of
from events.tests.rows import NOON, build_event, make_event
from sensors.tests.factories import make_sensor
from zones.tests.factories import make_zone

URL = "/api/v1/events/stats"
DAY = "2026-11-20T00:00:00Z"
NEXT_DAY = "2026-11-21T00:00:00Z"


def get(client: APIClient, **query: Any) -> Any:
    response = client.get(URL, query)
    assert response.status_code == 200, response.content
    return response.json()


@pytest.mark.main_path
def test_statistics_count_dispatched_and_waiting_events(api: APIClient) -> None:
    camera, zone = make_camera(name="Gate"), make_zone(name="Yard")
    sensor = make_sensor(camera)
    make_event("AB12CDE", sensor, zone=zone, vehicle_type="car", confidence=0.5)
    dispatch()
    make_event("AB12CDE", sensor, confidence=1.0)
    make_event("XY99ZZZ", make_sensor(), camera_id=None, captured_at=NOON + timedelta(hours=11))
    body = get(api, **{"from": DAY, "to": "2026-11-22T00:00:00Z", "bucket": "day"})
    assert body == {
        "from": DAY,
        "to": "2026-11-22T00:00:00Z",
        "bucket": "day",
        "total": 3,
        "truncated": False,
        "unique_plates": 2,
        "unique_plates_approximate": False,
        "mean_confidence": pytest.approx(0.8),
        "series": [
            {"start": DAY, "events": 3, "mean_confidence": pytest.approx(0.8)},
            {"start": NEXT_DAY, "events": 0, "mean_confidence": None},
        ],
        "by_camera": [
            {"camera": camera.pk, "name": "Gate", "events": 2},
            {"camera": None, "name": None, "events": 1},
        ],
        "by_zone": [
            {"zone": None, "name": None, "events": 2},
            {"zone": zone.pk, "name": "Yard", "events": 1},
        ],
        "by_vehicle_type": [
            {"vehicle_type": None, "events": 2},
            {"vehicle_type": "car", "events": 1},
        ],
        "top_plates": [{"plate": "AB12CDE", "events": 2}, {"plate": "XY99ZZZ", "events": 1}],
        "top_plates_approximate": False,
    }
    [listed, *_] = api.get("/api/v1/events", {"camera": camera.pk}).json()["results"]
    assert listed["plate"] == "AB12CDE"


def test_statistics_of_nothing_are_zeros(api: APIClient) -> None:
    body = get(api, **{"from": DAY, "to": NEXT_DAY, "bucket": "hour"})
    assert (body["total"], body["mean_confidence"], body["unique_plates"]) == (0, None, 0)
    assert [point["events"] for point in body["series"]] == [0] * 24
    assert (body["by_camera"], body["by_zone"], body["top_plates"]) == ([], [], [])


@time_machine.travel(datetime(2026, 11, 22, 9, 30, tzinfo=UTC), tick=False)
def test_default_is_the_last_thirty_days_with_today(api: APIClient) -> None:
    body = get(api)
    assert (body["from"], body["to"]) == ("2026-10-24T00:00:00Z", "2026-11-23T00:00:00Z")
    assert len(body["series"]) == 30
    body = get(api, bucket="hour")
    assert body["to"] == "2026-11-22T10:00:00Z"
    assert len(body["series"]) == 720
    assert get(api, **{"from": "2026-11-22T00:00:00Z"})["to"] == "2026-11-23T00:00:00Z"
    assert get(api, to="2026-01-31T00:00:00Z")["from"] == "2026-01-01T00:00:00Z"


def test_weeks_start_on_monday(api: APIClient) -> None:
    make_event(captured_at=datetime(2026, 11, 22, 23, 59, tzinfo=UTC))
    make_event(captured_at=datetime(2026, 11, 23, tzinfo=UTC))
    dispatch()
    body = get(
        api, **{"from": "2026-11-18T00:00:00Z", "to": "2026-11-25T00:00:00+01:00", "bucket": "week"}
    )
    assert body["series"] == [
        {"start": "2026-11-16T00:00:00Z", "events": 1, "mean_confidence": pytest.approx(0.9)},
        {"start": "2026-11-23T00:00:00Z", "events": 1, "mean_confidence": pytest.approx(0.9)},
    ]


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("bucket", {"bucket": "month"}),
        ("bucket", {"bucket": ["day", "hour"]}),
        (
            "bucket",
            {"bucket": "hour", "from": "2026-01-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"},
        ),
        ("bucket", {"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}),
        ("from", {"from": NEXT_DAY, "to": DAY}),
        ("from", {"from": DAY, "to": DAY}),
        ("from", {"from": "2026-11-22"}),
        ("from", {"from": "2199-12-31T00:00:00Z"}),
        ("to", {"to": "2026-11-22T00:00:00"}),
        ("to", {"to": [DAY, NEXT_DAY]}),
        ("camera", {"camera": "x"}),
        ("similar", {"similar": "AB12"}),
        ("limit", {"limit": "5"}),
        ("buckets", {"buckets": "day"}),
    ],
)
def test_wrong_parameter_is_named(api: APIClient, name: str, query: dict[str, Any]) -> None:
    response = api.get(URL, query)
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == name


def test_longest_series_has_five_thousand_buckets(api: APIClient) -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    query = {"from": start.isoformat(), "bucket": "hour"}
    longest = (start + timedelta(hours=5000)).isoformat()
    assert len(get(api, to=longest, **query)["series"]) == 5000
    longer = (start + timedelta(hours=5000, microseconds=1)).isoformat()
    assert api.get(URL, query | {"to": longer}).status_code == 400


def test_statistics_take_a_fixed_number_of_queries(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for hour in range(3):
        make_event(zone=make_zone(), captured_at=NOON + timedelta(hours=hour))
    dispatch()
    # 4 rollups, the two ends, the outbox, the plates, 2 of names.
    with django_assert_num_queries(10):
        get(api, **{"from": "2026-11-18T00:30:00Z", "to": "2026-11-21T00:30:00Z"})
    with django_assert_num_queries(5):
        get(api, plate="AB*", **{"from": DAY, "to": NEXT_DAY})


def test_many_events_make_plates_approximate_but_counts_stay_exact(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats, "MAX_EVENTS", 50)
    sensor = make_sensor()
    PlateEvent.objects.bulk_create(
        build_event(sensor, f"OLD{n}", captured_at=NOON + timedelta(seconds=n)) for n in range(100)
    )
    dispatch()
    PlateEvent.objects.bulk_create(
        build_event(sensor, "NEW", captured_at=NOON + timedelta(hours=1)) for n in range(10)
    )
    body = get(api, **{"from": DAY, "to": NEXT_DAY})
    assert (body["total"], body["truncated"]) == (110, False)
    assert body["unique_plates_approximate"]
    assert body["unique_plates"] == pytest.approx(101, abs=2)
    assert body["top_plates_approximate"]
    assert body["top_plates"][0] == {"plate": "NEW", "events": 10}
    # Of the newest 50 events, 40 are old ones: the last 40.
    assert {entry["plate"] for entry in body["top_plates"][1:]} < {
        f"OLD{n}" for n in range(60, 100)
    }


def test_filters_beyond_the_rollups_count_the_newest_events(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats, "MAX_EVENTS", 3)
    sensor = make_sensor()
    for hour in range(3):
        make_event("AB1", sensor, captured_at=NOON + timedelta(hours=hour))
    query = {"from": DAY, "to": NEXT_DAY, "plate": "A*", "bucket": "hour"}
    body = get(api, **query)
    assert (body["total"], body["truncated"], body["unique_plates_approximate"]) == (
        3,
        False,
        False,
    )
    make_event("AB2", sensor, captured_at=NOON + timedelta(hours=5))
    body = get(api, **query)
    assert (body["total"], body["truncated"], body["unique_plates_approximate"]) == (3, True, True)
    assert [point["events"] for point in body["series"][12:18]] == [0, 1, 1, 0, 0, 1]


def recount(start: datetime, end: datetime, bucket: str, query: dict[str, Any]) -> dict[str, Any]:
    """The same statistics, counted in the plainest way."""
    wanted = parse_filter(query)
    events = [
        event
        for event in PlateEvent.objects.with_parts()
        if start <= event.captured_at < end and wanted.matches(event)
    ]
    floors: dict[str, Callable[[datetime], datetime]] = {
        "hour": lambda moment: moment.replace(minute=0, second=0, microsecond=0),
        "day": lambda moment: moment.replace(hour=0, minute=0, second=0, microsecond=0),
        "week": week_of,
    }
    plates = Counter(event.plate_normalized for event in events)
    return {
        "total": len(events),
        "mean_confidence": (
            pytest.approx(sum(event.confidence for event in events) / len(events))
            if events
            else None
        ),
        "unique_plates": len(plates),
        "series": Counter(
            floors[bucket](event.captured_at).isoformat().replace("+00:00", "Z") for event in events
        ),
        "camera": Counter(event.camera_id for event in events),
        "zone": Counter(event.zone_id for event in events),
        "vehicle_type": Counter(event.vehicle_type or None for event in events),
        "top_plates": sorted(plates.items(), key=lambda item: (-item[1], item[0]))[:10],
    }


def reported(body: Any) -> dict[str, Any]:
    return {
        "total": body["total"],
        "mean_confidence": body["mean_confidence"],
        "unique_plates": body["unique_plates"],
        "series": Counter({p["start"]: p["events"] for p in body["series"] if p["events"]}),
        **{
            name: Counter({entry[name]: entry["events"] for entry in body[f"by_{name}"]})
            for name in ("camera", "zone", "vehicle_type")
        },
        "top_plates": [(entry["plate"], entry["events"]) for entry in body["top_plates"]],
    }


class Traffic:
    """Late, early and out-of-order events of a few weeks, and questions about them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a test's dice
        self.sensor = make_sensor()
        self.cameras = [make_camera().pk for _ in range(3)]
        self.zones = [make_zone().pk for _ in range(2)]

    def moment(self) -> datetime:
        # Whole hours and days too, for the ends of spans.
        moment = NOON + timedelta(seconds=self.chance.randrange(-20 * 86_400, 20 * 86_400))
        return self.chance.choice(
            [moment, moment.replace(minute=0, second=0), moment.replace(hour=0, minute=0, second=0)]
        )

    def arrive(self, count: int) -> None:
        PlateEvent.objects.bulk_create(
            build_event(
                self.sensor,
                self.chance.choice(["A1", "B2", "C3", f"D{self.chance.randrange(30)}"]),
                captured_at=self.moment(),
                confidence=self.chance.random(),
                camera_id=self.chance.choice([None, *self.cameras]),
                zone_id=self.chance.choice([None, *self.zones]),
                vehicle_type=self.chance.choice(["", "car", "Car", "truck"]),
                region=self.chance.choice(["gb", "de"]),
            )
            for _ in range(count)
        )

    def dispatch_some(self) -> None:
        with transaction.atomic():
            assign_positions(self.chance.randrange(1, 40))

    def remove_some(self) -> None:
        picked: Sequence[PlateEvent] = list(PlateEvent.objects.order_by("?")[:10])
        with transaction.atomic():
            remove_events(picked)
            PlateEvent.objects.filter(pk__in=[event.pk for event in picked]).delete()

    def question(self) -> tuple[datetime, datetime, str, dict[str, Any]]:
        start, end = sorted([self.moment(), self.moment()])
        query: dict[str, list[str]] = {}
        if self.chance.random() < 0.5:
            query["camera"] = [str(pk) for pk in self.chance.sample(self.cameras, 2)]
        if self.chance.random() < 0.3:
            query["zone"] = [str(self.chance.choice(self.zones))]
        if self.chance.random() < 0.3:
            query["vehicle_type"] = ["CAR"]
        if self.chance.random() < 0.2:
            query["region"] = ["gb"]
        bucket = self.chance.choice(["hour", "day", "week"])
        return start, end + timedelta(microseconds=1), bucket, query


@pytest.mark.main_path
@pytest.mark.parametrize("seed", range(3))
def test_statistics_equal_a_recount_whatever_happened(api: APIClient, seed: int) -> None:
    traffic = Traffic(seed)
    for step in range(12):
        traffic.arrive(25)
        traffic.dispatch_some()
        if step % 3 == 2:
            traffic.remove_some()
        for _ in range(3):
            start, end, bucket, query = traffic.question()
            span = {"from": start.isoformat(), "to": end.isoformat(), "bucket": bucket}
            body = get(api, **span, **query)
            assert reported(body) == recount(start, end, bucket, query), (span, query)
            assert not body["unique_plates_approximate"]
    assert Rollup.objects.exists()
    with transaction.atomic():
        everything = list(PlateEvent.objects.all())
        remove_events(everything)
    assert not Rollup.objects.exists()
