from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Max, Min
from django.utils import timezone
from rest_framework.test import APIClient

from events import partitions
from events.models import EventReceipt, KnownPlate, PlateEvent, StreamHead
from events.spans import day_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def same_partitions_as_before() -> Iterator[None]:
    before = set(partitions.months())
    yield
    for month in set(partitions.months()) - before:
        partitions.detach(month)
        partitions.drop(month)


def load(*arguments: str) -> str:
    out = StringIO()
    call_command("load_history", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.main_path
def test_history_is_counted_searchable_and_as_large_as_asked(api: APIClient) -> None:
    # Months that have a partition and months that have none; the second load adds to the first.
    for seed, count in (("1", 300), ("2", 100)):
        told = load("--events", str(count), "--days", "40", "--plates", "60", "--seed", seed)
        assert f"\n{count} events, " in told
    events = list(PlateEvent.objects.all())
    assert len(events) == 400
    today = day_of(timezone.now())
    assert all(today - timedelta(days=40) <= event.captured_at < today for event in events)
    plates = {event.plate_normalized for event in events}
    assert plates == {known.plate for known in KnownPlate.objects.all()}
    assert 60 <= len(plates) <= 120

    receipts = EventReceipt.objects.aggregate(first=Min("position"), last=Max("position"))
    assert receipts == {"first": 1, "last": 400}
    assert StreamHead.current() == 400
    assert PlateEvent.objects.of(list(EventReceipt.objects.all())) != []

    query: dict[str, Any] = {
        "from": (today - timedelta(days=40)).isoformat(),
        "to": today.isoformat(),
    }
    stats: Any = api.get("/api/v1/events/stats", query).json()
    counted = {"total": stats["total"], "plates": stats["unique_plates"]}
    assert counted == {"total": 400, "plates": len(plates)}
    assert {row["camera"]: row["events"] for row in stats["by_camera"]} == Counter(
        event.camera_id for event in events
    )
    by_day = Counter(event.captured_at.astimezone(UTC).date().isoformat() for event in events)
    assert {p["start"][:10]: p["events"] for p in stats["series"] if p["events"]} == by_day
    found: Any = api.get("/api/v1/events", {"similar": events[0].plate, "limit": "1"}).json()
    assert found["results"][0]["match"]["score"] > 0.5
    detail: Any = api.get(f"/api/v1/events/{events[0].pk}").json()
    assert detail["vehicle"]["year"] >= 2009


def test_same_seed_gives_the_same_traffic() -> None:
    load("--events", "50", "--days", "2", "--plates", "10")
    first = list(PlateEvent.objects.order_by("captured_at").values_list("plate", "captured_at"))
    for model in (PlateEvent, EventReceipt):
        model.objects.all().delete()
    load("--events", "50", "--days", "2", "--plates", "10")
    assert first == list(
        PlateEvent.objects.order_by("captured_at").values_list("plate", "captured_at")
    )


@pytest.mark.parametrize("arguments", [("--events", "0"), ("--days", "0"), ("--plates", "-1")])
def test_nonsense_is_refused(arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError):
        load(*arguments)
