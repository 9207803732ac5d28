from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.db.utils import DatabaseError

from events.models import EventReceipt, PlateEvent
from events.statistics.snapshot import one_snapshot
from events.statistics.summary import StatsRequest, statistics
from events.statistics.tally import RollupReader
from events.stream.dispatch import dispatch
from events.tests.rows import build_event, store
from sensors.tests.factories import make_sensor

QUERY = {"from": ["2026-11-20T00:00:00Z"], "to": ["2026-11-21T00:00:00Z"]}


def arrive(count: int) -> None:
    sensor = make_sensor()
    store(build_event(sensor, f"P{n}") for n in range(count))


def elsewhere(action: Callable[[], object]) -> None:
    """Run on a connection of its own, as another process would."""

    def run() -> None:
        try:
            action()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


@pytest.mark.main_path
@pytest.mark.django_db(transaction=True)
def test_dispatch_between_two_queries_is_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    arrive(7)
    count = RollupReader.count

    def count_then_dispatch(*arguments: object) -> object:
        rolled = count(*arguments)  # type: ignore[arg-type]  # passed on as they came
        elsewhere(dispatch)
        return rolled

    monkeypatch.setattr(RollupReader, "count", count_then_dispatch)
    found = statistics(StatsRequest.parse(QUERY))
    assert not EventReceipt.objects.waiting().exists()
    assert (found.total, found.unique_plates) == (7, 7)


@pytest.mark.main_path
@pytest.mark.django_db(transaction=True)
def test_writers_do_not_wait_for_a_reader() -> None:
    with one_snapshot():
        assert PlateEvent.objects.count() == 0
        elsewhere(lambda: arrive(3))
        assert PlateEvent.objects.count() == 0
    assert PlateEvent.objects.count() == 3


@pytest.mark.main_path
@pytest.mark.django_db(transaction=True)
def test_connection_is_usable_after_a_failed_query() -> None:
    def fail() -> None:
        with one_snapshot(), connection.cursor() as cursor:
            cursor.execute("SELECT nothing_of_this_name")

    with pytest.raises(DatabaseError):
        fail()
    arrive(1)
    assert PlateEvent.objects.count() == 1


@pytest.mark.django_db
def test_inside_a_transaction_it_does_nothing() -> None:
    with one_snapshot():
        arrive(1)
    assert PlateEvent.objects.count() == 1
