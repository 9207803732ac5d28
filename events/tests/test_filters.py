from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from anpr_project.lib.errors import FieldError
from cameras.tests.factories import make_camera
from events.filters import PARSERS, parse_filter
from events.models import PlateEvent
from events.tests.rows import NOON, make_event
from sensors.tests.factories import make_sensor
from zones.tests.factories import make_zone

URL = "/api/v1/events"


def found(api: APIClient, **query: Any) -> set[str]:
    response = api.get(URL, query)
    assert response.status_code == 200, response.content
    return {event["plate"] for event in response.json()["results"]}


@pytest.mark.main_path
@pytest.mark.parametrize(
    ("pattern", "plates"),
    [
        ("ab-12 cde", {"AB12CDE"}),
        ("AB12", set()),
        ("AB*", {"AB12CDE", "AB1ÄÖ"}),
        ("*CDE", {"AB12CDE", "XB12CDE"}),
        ("?B12CDE", {"AB12CDE", "XB12CDE"}),
        ("*2c*", {"AB12CDE", "XB12CDE"}),
        ("ab1??", {"AB1ÄÖ"}),
        ("ab1ä*", {"AB1ÄÖ"}),
        ("**A***B**", {"AB12CDE", "AB1ÄÖ"}),
        ("*_*B*", {"AB12CDE", "XB12CDE", "AB1ÄÖ"}),
        ("[AX]B12CDE", set()),
        ("A" * 100, set()),
    ],
)
def test_plate_is_found_exactly_or_by_wildcards(
    api: APIClient, pattern: str, plates: set[str]
) -> None:
    sensor = make_sensor()
    for plate in ("AB12CDE", "XB12CDE", "AB1ÄÖ"):
        make_event(plate, sensor)
    assert found(api, plate=pattern) == plates


@pytest.mark.main_path
@pytest.mark.parametrize(
    ("query", "plates"),
    [
        ({"min_confidence": "0.8"}, {"B"}),
        ({"region": "GB"}, {"A"}),
        ({"region": ["gb", "de"]}, {"A", "B"}),
        ({"vehicle_type": "CAR"}, {"A"}),
        ({"vehicle_make": "ŠKODA"}, {"A"}),
        ({"vehicle_make": "škoda"}, {"A"}),
        ({"vehicle_color": "Dark BLUE"}, {"B"}),
        ({"captured_after": "2026-11-20T13:00:00+01:00"}, {"A", "B"}),
        ({"captured_after": "2026-11-20T13:00:00.000001 01:00"}, {"B"}),
        ({"captured_before": "2026-11-20T12:00:01Z"}, {"A"}),
        ({"captured_before": "2026-11-20T12:00:00Z"}, set()),
        ({"received_after": "2026-11-20T12:00:02Z"}, {"B"}),
        ({"received_before": "2026-11-20T12:00:02Z"}, {"A"}),
        ({"captured_after": "0001-01-01T00:00:00+14:00"}, {"A", "B"}),
        ({"captured_before": "9999-12-31T23:59:59.999999-14:00"}, {"A", "B"}),
        ({"tpms_id": "0xAB"}, {"A"}),
        ({"tpms_id": "ff"}, {"A", "B"}),
        ({"has_frame": "true"}, {"B"}),
        ({"has_frame": "0"}, {"A"}),
        ({"camera": "1234567"}, set()),
    ],
)
def test_filter_finds_what_it_asks_for(
    api: APIClient, query: dict[str, Any], plates: set[str]
) -> None:
    sensor = make_sensor()
    make_event(
        "A",
        sensor,
        tyres=["ab", "ff", "ff"],
        confidence=0.5,
        region="gb",
        vehicle_type="Car",
        vehicle_make="Škoda",
    )
    make_event(
        "B",
        sensor,
        tyres=["ff"],
        confidence=0.8,
        captured_at=NOON + timedelta(seconds=1),
        region="De",
        vehicle_color="dark blue",
        frame="x.jpg",
    )
    assert found(api, **query) == plates


def test_filters_by_place_hold_together(api: APIClient) -> None:
    camera, zone = make_camera(), make_zone()
    sensor = make_sensor(camera)
    make_event("A", sensor, zone=zone)
    make_event("B", sensor)
    make_event("C", zone=zone)
    assert found(api, camera=camera.pk) == {"A", "B"}
    assert found(api, sensor=[sensor.pk, 999_999]) == {"A", "B"}
    assert found(api, zone=zone.pk) == {"A", "C"}
    assert found(api, zone=zone.pk, camera=camera.pk) == {"A"}


WRONG = [
    ("plate", ""),
    ("plate", "*"),
    ("plate", "-?- *"),
    ("plate", "A\x00B"),
    ("plate", "A\u202eB"),
    ("plate", "A" * 201),
    ("plate", "\U0001f697"),
    ("plate", ["A", "B"]),
    ("similar", "*"),
    ("similar", "A" * 33),
    ("similar", ["A", "B"]),
    ("camera", "x"),
    ("camera", "0"),
    ("camera", "-1"),
    ("camera", "1,2"),
    ("camera", "\u0661"),
    ("camera", str(2**63)),
    ("camera", "9" * 100),
    ("camera", [str(n) for n in range(1, 102)]),
    ("zone", "1.0"),
    ("sensor", ""),
    ("region", "\n"),
    ("min_confidence", "7"),
    ("min_confidence", "-0.1"),
    ("min_confidence", "nan"),
    ("min_confidence", "inf"),
    ("min_confidence", "much"),
    ("captured_after", "yesterday"),
    ("captured_after", "2026-11-22T08:00:00"),
    ("captured_after", "2026-11-22"),
    ("captured_before", "2026-13-22T08:00:00Z"),
    ("received_after", "10000-01-01T00:00:00Z"),
    ("received_before", "\x00"),
    ("tpms_id", "xyz"),
    ("tpms_id", "f" * 17),
    ("has_frame", "perhaps"),
    ("colour", "red"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_wrong_parameter_is_named(api: APIClient, name: str, value: str | list[str]) -> None:
    response = api.get(URL, {name: value})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == name


def test_unknown_parameter_has_its_own_code(api: APIClient) -> None:
    assert api.get(URL, {"plates": "A"}).json()["code"] == "unknown"


def test_stream_and_statistics_cannot_ask_for_look_alikes() -> None:
    with pytest.raises(FieldError) as raised:
        parse_filter({"similar": ["AB12"]})
    assert (raised.value.field, raised.value.detail.code) == ("similar", "unsupported")  # type: ignore[union-attr]  # a FieldError has one message


def test_ignored_and_empty_parameters_are_passed_over() -> None:
    assert parse_filter({"limit": ["5"], "camera": []}, ignore={"limit"}).conditions == ()


def random_event(chance: random.Random, cameras: list[int], zones: list[int]) -> dict[str, Any]:
    return {
        "confidence": chance.choice([0.0, 0.5, 0.75, 1.0]),
        "region": chance.choice(["", "gb", "GB", "De", "é"]),
        "captured_at": NOON + timedelta(minutes=chance.randrange(5)),
        "received_at": NOON + timedelta(minutes=chance.randrange(5)),
        "vehicle_type": chance.choice(["", "car", "CAR", "Truck"]),
        "vehicle_make": chance.choice(["", "Škoda", "SKODA", "škoda"]),
        "vehicle_color": chance.choice(["", "Red", "red", "GRÜN", "grün", "straße", "STRASSE"]),
        "camera_id": chance.choice([None, *cameras]),
        "zone_id": chance.choice([None, *zones]),
        "frame": chance.choice(["", "x.jpg"]),
        "tyres": chance.choice([[], ["ab"], ["ab", "cd"]]),
    }


def random_query(chance: random.Random, cameras: list[int], zones: list[int]) -> dict[str, Any]:
    minute = [(NOON + timedelta(minutes=n)).isoformat() for n in range(5)]
    values: dict[str, list[str]] = {
        "plate": ["AB1", "A*", "*1*", "?B?", "a?*1", "*B*1*", "ÄB*"],
        "camera": [*map(str, cameras), "77"],
        "zone": list(map(str, zones)),
        "sensor": ["1", "2"],
        "region": ["gb", "DE", "É", "x"],
        "min_confidence": ["0", "0.5", "1"],
        **dict.fromkeys(
            ("captured_after", "captured_before", "received_after", "received_before"), minute
        ),
        "vehicle_type": ["car", "tRUCK"],
        "vehicle_make": ["škoda", "ŠKODA", "skoda"],
        "vehicle_color": ["RED", "grün", "Straße", "GRÜN"],
        "tpms_id": ["AB", "cd", "ef"],
        "has_frame": ["true", "false"],
    }
    assert set(values) == set(PARSERS)
    several = {"camera", "zone", "sensor", "region", "vehicle_type", "vehicle_make"}
    names = chance.sample(sorted(values), chance.randrange(1, 4))
    return {
        name: chance.sample(values[name], min(len(values[name]), 2 if name in several else 1))
        for name in names
    }


def queries(chance: random.Random, *places: list[int]) -> Iterator[dict[str, Any]]:
    yield {}
    for _ in range(300):
        yield random_query(chance, *places)


@pytest.mark.main_path
def test_sql_and_python_agree_on_every_filter(db: None) -> None:
    chance = random.Random(20261122)  # noqa: S311 - a test's dice
    cameras, zones = [make_camera().pk for _ in range(2)], [make_zone().pk for _ in range(2)]
    sensors = [make_sensor() for _ in range(2)]
    for _ in range(60):
        plate = chance.choice(["AB1", "AB12", "B1", "ÄB1", "A", "XB1"])
        make_event(plate, chance.choice(sensors), **random_event(chance, cameras, zones))
    events = list(PlateEvent.objects.with_parts())
    hits = 0
    for query in queries(chance, cameras, zones):
        wanted = parse_filter(query)
        in_sql = set(wanted.apply(PlateEvent.objects.all()).values_list("pk", flat=True))
        in_python = {event.pk for event in events if wanted.matches(event)}
        assert in_sql == in_python, query
        hits += 0 < len(in_sql) < len(events)
    assert hits > 50  # the dice asked sensible questions


def test_times_are_cut_to_the_years_that_events_may_have() -> None:
    wanted = parse_filter({"captured_after": ["0001-01-01T00:00:00Z"]})
    [condition] = wanted.conditions
    assert getattr(condition, "bound", None) == datetime(1970, 1, 1, tzinfo=UTC)
