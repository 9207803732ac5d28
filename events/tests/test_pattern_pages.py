"""A search by pattern finds the same, whichever way it takes."""

from __future__ import annotations

import fnmatch
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from events.search import pattern_pages
from events.stream.dispatch import dispatch
from events.tests.rows import NOON, build_event, store
from sensors.tests.factories import make_sensor
from zones.tests.factories import make_zone

pytestmark = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite reads the index of its one plan"
)
PLATES = ["AB12CDE", "AB12XYZ", "XY12CDE", "K1", "AB1", "ZZ99ABC"]


@pytest.fixture
def stored(db: None) -> list[tuple[int, str]]:
    """Forty events, newest first; the last ones are not dispatched yet."""
    sensor = make_sensor()
    moments = [NOON + timedelta(seconds=n // 2) for n in range(40)]
    events = store(
        build_event(sensor, PLATES[n % 6], captured_at=moment, confidence=n / 40)
        for n, moment in enumerate(moments)
    )
    dispatch()
    events += store([build_event(sensor, "AB12NEW", captured_at=NOON, confidence=0.1)])
    events.sort(key=lambda event: (event.captured_at, event.pk), reverse=True)
    return [(event.pk, event.plate) for event in events]


def pages(api: APIClient, **query: Any) -> list[int]:
    """The ids of all pages, and back again."""
    answer: Any = api.get("/api/v1/events", query).json()
    found = [event["id"] for event in answer["results"]]
    while answer["next"]:
        answer = api.get(answer["next"]).json()
        found += [event["id"] for event in answer["results"]]
    back = [event["id"] for event in answer["results"]]
    while answer["previous"]:
        answer = api.get(answer["previous"]).json()
        back = [event["id"] for event in answer["results"]] + back
    assert back == found
    return found


# The first way, the second, and what is left when both come to their end.
@pytest.mark.parametrize(("near", "matches", "plates"), [(5000, 9, 9), (2, 99, 99), (2, 2, 2)])
@pytest.mark.parametrize(
    "pattern", ["AB*", "AB1*", "AB12*E", "*12C*", "*E", "?1", "*1*", "Q*", "*Q"]
)
def test_every_way_finds_the_same(
    api: APIClient,
    stored: list[tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
    near: int,
    matches: int,
    plates: int,
    pattern: str,
) -> None:
    monkeypatch.setattr(pattern_pages, "NEAR", near)
    monkeypatch.setattr(pattern_pages, "MOST_MATCHES", matches)
    monkeypatch.setattr(pattern_pages, "MOST_PLATES", plates)
    expression = re.compile(fnmatch.translate(pattern))
    expected = [pk for pk, plate in stored if expression.match(plate)]
    assert pages(api, plate=pattern, limit=3) == expected


def test_other_filters_hold_too(
    api: APIClient, stored: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pattern_pages, "NEAR", 2)
    found = pages(api, plate="AB*", min_confidence=0.5, limit=3)
    assert found == [pk for pk, plate in stored[:20] if plate.startswith("AB")]


@pytest.mark.parametrize("matches", [100, 2])
def test_look_alikes_take_the_same_ways(
    api: APIClient, stored: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch, matches: int
) -> None:
    monkeypatch.setattr(pattern_pages, "FEW_MATCHES", matches)
    found = pages(api, similar="A812CDE", limit=3)
    assert found == [pk for pk, plate in stored if plate == "AB12CDE"]


def test_pages_of_one_camera_or_zone_hold_its_events_in_order(api: APIClient, db: None) -> None:
    sensors, zones = [make_sensor(), make_sensor()], [make_zone(), make_zone()]
    moments = [NOON + timedelta(seconds=n // 4) for n in range(24)]
    events = store(
        build_event(
            *(sensors[n % 2], "AB12CDE"),
            captured_at=moment,
            camera=sensors[n % 2].camera,
            zone=zones[n % 3 % 2],
        )
        for n, moment in enumerate(moments)
    )
    events.sort(key=lambda event: (event.captured_at, event.pk), reverse=True)
    for name in ("camera", "zone"):
        wanted = getattr(events[0], f"{name}_id")
        expected = [event.pk for event in events if getattr(event, f"{name}_id") == wanted]
        assert pages(api, **{name: wanted}, limit=3) == expected
        query = {name: wanted, "captured_after": moments[4], "captured_before": moments[12]}
        assert pages(api, **query, limit=2) == [
            event.pk
            for event in events
            if event.pk in expected and moments[4] <= event.captured_at < moments[12]
        ]


@pytest.mark.parametrize("query", [{"plate": "NULL"}, {"plate": "*ULL"}, {"similar": "NULL"}])
def test_a_plate_that_reads_null_is_a_plate(
    api: APIClient, db: None, monkeypatch: pytest.MonkeyPatch, query: dict[str, str]
) -> None:
    monkeypatch.setattr(pattern_pages, "NEAR", 2)
    sensor = make_sensor()
    plates = ["NULL", *PLATES]
    oldest, *_ = store(
        build_event(sensor, plate, captured_at=NOON + timedelta(seconds=n))
        for n, plate in enumerate(plates)
    )
    dispatch()
    assert pages(api, **query) == [oldest.pk]
