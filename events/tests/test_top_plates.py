from __future__ import annotations

from collections import Counter
from datetime import UTC, timedelta

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from events.models import DayPlate, EventReceipt, MonthPlate, PlateEvent
from events.statistics import summary, top_plates
from events.statistics.rollups import remove_events
from events.stream.dispatch import dispatch
from events.tests.recount import Traffic, get, recount
from events.tests.rows import NOON, build_event, store
from sensors.tests.factories import make_sensor

Counts = Counter[tuple[str, str]]


def counted_again() -> tuple[Counts, Counts]:
    """Count the dispatched events by plate and day, and by plate and month, one by one."""
    dispatched = set(EventReceipt.objects.exclude(position=None).values_list("pk", flat=True))
    days = Counter(
        (event.captured_at.astimezone(UTC).date().isoformat(), event.plate_normalized)
        for event in PlateEvent.objects.filter(pk__in=dispatched)
    )
    months: Counts = Counter()
    for (day, plate), number in days.items():
        months[f"{day[:7]}-01", plate] += number
    return days, months


def kept() -> tuple[Counts, Counts]:
    days, months = (
        Counter({(row.starts_on.isoformat(), row.plate): row.events for row in model.objects.all()})
        for model in (DayPlate, MonthPlate)
    )
    return days, months


@pytest.mark.main_path
@pytest.mark.parametrize("seed", range(2))
def test_the_most_frequent_plates_are_found_without_counting_the_others(
    api: APIClient, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    # Nothing is left to the grouping of all events: what is uncertain says so.
    for name, value in {"FEW_EVENTS": 0, "MAX_EVENTS": 0, "TOP_PLATES": 3}.items():
        monkeypatch.setattr(summary, name, value)
    monkeypatch.setattr(top_plates, "LISTED", 4)
    monkeypatch.setattr(top_plates, "FIRST_COUNTED", 2)
    traffic, certain = Traffic(seed), 0
    for step in range(12):
        traffic.arrive(40)
        traffic.dispatch_some()
        if step % 3 == 2:
            traffic.remove_some()
        assert kept() == counted_again()
        for _ in range(4):
            start, end, bucket, _ = traffic.question()
            span = {"from": start.isoformat(), "to": end.isoformat(), "bucket": bucket}
            body = get(api, **span)
            if not body["top_plates_approximate"]:
                certain += 1
                top = [(entry["plate"], entry["events"]) for entry in body["top_plates"]]
                assert top == recount(start, end, bucket, {})["top_plates"][:3], span
    assert certain > 24
    with transaction.atomic():
        remove_events(list(PlateEvent.objects.all()))
    assert kept() == (Counter(), Counter())


def test_plates_of_whole_days_or_months_need_no_look_at_events(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, "FEW_EVENTS", 0)
    sensor = make_sensor()
    store(
        build_event(sensor, f"P{place}", captured_at=NOON - timedelta(days=day))
        for day in (0, 25)
        for place in range(12)
        for _ in range(place + 8)
    )
    dispatch()
    # The counts alone answer: these events were never dispatched.
    PlateEvent.objects.all().delete()
    for start, end, times in (
        ("2026-11-20", "2026-11-21", 1),
        ("2026-11-14", "2026-11-21", 1),
        ("2026-10-01", "2026-12-01", 2),
    ):
        body = get(api, **{"from": f"{start}T00:00:00Z", "to": f"{end}T00:00:00Z"})
        assert body["top_plates"] == [
            {"plate": f"P{place}", "events": times * (place + 8)} for place in range(11, 1, -1)
        ]
        assert not body["top_plates_approximate"]
