from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from events.ingest.batch import record_batch
from events.models import EventReceipt, PlateEvent, Rollup, StreamHead
from events.stream.dispatch import assign_positions, dispatch
from events.tests.conftest import Sender, make_sender
from events.tests.factories import reading

needs_postgresql = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="needs transactions side by side"
)


def positions() -> list[int | None]:
    return list(EventReceipt.objects.order_by("position").values_list("position", flat=True))


def heard_sender() -> Sender:
    """A sensor just heard of: its row is not written again, so transactions do not wait for it."""
    sender = make_sender()
    sender.post(json.dumps(reading()))
    PlateEvent.objects.all().delete()
    EventReceipt.objects.all().delete()
    sender.sensor.refresh_from_db()
    return sender


def in_thread(work: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        work()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.main_path
def test_events_get_rising_positions_once(sender: Sender) -> None:
    assert dispatch() is None
    for _ in range(3):
        sender.post(json.dumps(reading()))
    assert dispatch() == 3
    assert dispatch() is None
    sender.post(json.dumps(reading()))
    assert dispatch() == StreamHead.current() == 4
    assert positions() == [1, 2, 3, 4]
    assert Rollup.objects.get(span="day", kind="all").events == 4


def reads_of_all_receipts() -> int:
    """How often this transaction has read the whole table."""
    table = EventReceipt._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = %s", [table])
        return int(cursor.fetchone()[0])


@needs_postgresql
def test_dispatch_does_not_read_what_it_has_done_before(sender: Sender) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO events_eventreceipt "
            "(sensor_id, event_id, content_sha256, captured_at, position) "
            "SELECT %s, gen_random_uuid(), sha256('a'), now(), -i FROM generate_series(1, 5000) AS i",
            [sender.sensor.pk],
        )
    raw = [json.dumps(reading()).encode() for _ in range(200)]
    record_batch(credential=sender.credential, raw_events=raw)
    before = reads_of_all_receipts()
    assert dispatch() == 200
    assert reads_of_all_receipts() == before


def test_dispatch_costs_the_same_queries_whatever_waits(
    sender: Sender, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    sender.post(json.dumps(reading()))
    dispatch()
    for size in (2, 200):
        record_batch(
            credential=sender.credential,
            raw_events=[json.dumps(reading()).encode() for _ in range(size)],
        )
        # On SQLite the same steps are statements of their own.
        with django_assert_num_queries(10 if connection.vendor == "postgresql" else 14):
            dispatch()


def test_large_backlog_is_worked_off_in_batches(sender: Sender) -> None:
    record_batch(
        credential=sender.credential, raw_events=[json.dumps(reading()).encode() for _ in range(25)]
    )
    with transaction.atomic():
        assert assign_positions(limit=10) == 10
    assert dispatch() == 25
    assert positions() == list(range(1, 26))


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_only_one_dispatcher_works_at_a_time() -> None:
    sender = make_sender()
    sender.post(json.dumps(reading()))
    heads: list[int | None] = []
    with transaction.atomic():
        assert assign_positions() == 1
        in_thread(lambda: heads.append(dispatch())).join()
    assert heads == [None]
    assert positions() == [1]


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_late_commit_is_not_passed_by() -> None:
    """The trap of ids: a lower id that commits later must still come after what was seen."""
    sender = heard_sender()
    opened, release = threading.Event(), threading.Event()

    def long_transaction() -> None:
        with transaction.atomic():
            record_batch(credential=sender.credential, raw_events=[json.dumps(reading()).encode()])
            opened.set()
            release.wait(10)

    thread = in_thread(long_transaction)
    assert opened.wait(10)
    sender.post(json.dumps(reading()))
    assert dispatch() == 1
    release.set()
    thread.join()
    assert dispatch() == 2
    early, late = EventReceipt.objects.order_by("position")
    assert early.pk > late.pk


class Bustle:
    """Writers of random length, dispatchers, and a reader that only ever asks for what is new."""

    def __init__(self, seconds: float) -> None:
        self.sender = heard_sender()
        self.random = random.Random(7)  # noqa: S311 - no secret
        self.deadline = time.monotonic() + seconds
        self.seen: list[int] = []

    def write(self) -> None:
        while time.monotonic() < self.deadline:
            with transaction.atomic():
                raw = [json.dumps(reading()).encode() for _ in range(self.random.randint(1, 4))]
                record_batch(credential=self.sender.credential, raw_events=raw)
                time.sleep(self.random.choice([0, 0, 0.001, 0.02, 0.2]))

    def dispatch(self) -> None:
        while time.monotonic() < self.deadline + 1:
            if dispatch() is None:
                time.sleep(0.002)

    def read(self) -> None:
        last = 0
        while time.monotonic() < self.deadline + 1.5:
            new = EventReceipt.objects.filter(position__gt=last).order_by("position")
            for pk, position in new.values_list("pk", "position"):
                self.seen.append(pk)
                last = position or 0
            time.sleep(0.001)


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_reader_skips_nothing_while_long_and_short_transactions_run() -> None:
    bustle = Bustle(seconds=4)
    works = [bustle.write] * 3 + [bustle.dispatch] * 2 + [bustle.read]
    for thread in [in_thread(work) for work in works]:
        thread.join()
    stored = list(EventReceipt.objects.order_by("position").values_list("pk", flat=True))
    assert len(stored) > 100
    assert stored != sorted(stored), "no late commit happened: the test proves nothing"
    assert bustle.seen == stored
    assert positions() == list(range(1, len(stored) + 1))
