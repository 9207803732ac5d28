"""Events that arrive together share a commit, and nothing else: each has an outcome of its own."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, cast

import pytest
from django.db import IntegrityError, connection, transaction

from cameras.models import Camera
from cameras.tests.factories import make_camera
from events.ingest import insert
from events.ingest.group_commit import GroupCommit
from events.ingest.recording import Outcome, record
from events.ingest.submission import Submission
from events.models import PlateEvent
from events.readings import decode_reading
from events.tests.conftest import Sender, make_sender
from events.tests.factories import reading

NONE = type(None)
needs_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite locks its whole file"
)


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def store(sender: Sender, text: str) -> Outcome:
    """What a request does after its key is known, in a thread of its own."""
    submission = Submission(decode_reading(text.encode()), None, None, 0)
    try:
        return record(credential=sender.credential, submission=submission).outcome
    finally:
        connection.close()


def together(sent: Sequence[tuple[Sender, str]]) -> list[Future[Outcome]]:
    """Send the first event, which a locked camera holds up, and the others while it is under way."""
    camera = sent[0][0].sensor.camera
    assert camera is not None
    with ThreadPoolExecutor(len(sent)) as threads, transaction.atomic():
        Camera.objects.select_for_update().get(pk=camera.pk)
        first = threads.submit(store, *sent[0])
        eventually(lambda: insert.with_others.is_busy and not insert.with_others.waiting)
        outcomes = [threads.submit(store, *each) for each in sent[1:]]
        eventually(lambda: insert.with_others.waiting == len(outcomes))
    return [first, *outcomes]


def transactions() -> list[int]:
    """Return how many events each transaction wrote."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM events_plateevent GROUP BY xmin::text ORDER BY 1")
        return [number for (number,) in cursor.fetchall()]


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_events_that_wait_for_a_commit_share_the_next() -> None:
    sender, other = make_sender(), make_sender()
    sent = [(each, json.dumps(reading())) for each in (sender, sender, other, sender)]
    tyres = json.dumps(reading(tpms=[{"id": "ff"}, {"id": "aa"}]))

    outcomes = [outcome.result() for outcome in together([*sent, (other, tyres)])]

    assert outcomes == [Outcome.STORED] * 5
    assert transactions() == [1, 4]
    with_tyres = PlateEvent.objects.get(tyres__tyre_id="ff")
    assert with_tyres.event_id == uuid.UUID(json.loads(tyres)["event_id"])
    assert with_tyres.sensor == other.sensor
    assert with_tyres.tyres.count() == 2


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_the_same_event_twice_in_one_commit_is_stored_once() -> None:
    sender = make_sender()
    twice, differs = reading(), reading()
    texts = [reading(), twice, twice, differs, differs | {"plate": "XY99"}]

    *same, one, two = together([(sender, json.dumps(text)) for text in texts])

    found = sorted(outcome.result().name for outcome in same)
    assert found == ["REPEATED", "STORED", "STORED"]
    failures = [outcome.exception() for outcome in (one, two)]
    assert sorted(type(failure).__name__ for failure in failures) == ["ContentDiffers", "NoneType"]
    assert PlateEvent.objects.count() == 3


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_one_that_cannot_be_stored_fails_alone() -> None:
    sender, orphan = make_sender(), make_sender(camera=make_camera())
    gone = orphan.sensor.camera
    assert gone is not None
    type(orphan.sensor).objects.filter(pk=orphan.sensor.pk).update(camera=None)
    Camera.objects.filter(pk=gone.pk).delete()
    senders = (sender, sender, orphan, sender)

    outcomes = together([(each, json.dumps(reading())) for each in senders])

    assert isinstance(outcomes.pop(2).exception(), IntegrityError)
    assert [outcome.result() for outcome in outcomes] == [Outcome.STORED] * 3
    assert transactions() == [1, 1, 1]


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_those_who_wait_for_a_commit_keep_no_connection_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a start, or an outage, all have just read their key when the first commit connects."""
    sender, wrapper, most = make_sender(), cast(Any, connection), 2
    ready = threading.Barrier(most)

    def send() -> Outcome:
        connection.ensure_connection()
        ready.wait(10)
        return store(sender, json.dumps(reading()))

    with monkeypatch.context() as patch:
        wrapper.close()
        wrapper.close_pool()
        patch.setitem(wrapper.settings_dict["OPTIONS"]["pool"], "max_size", most)
        patch.setitem(wrapper.settings_dict["OPTIONS"]["pool"], "timeout", 1)
        insert.leaders_connection.close()
        with ThreadPoolExecutor(most) as threads:
            outcomes = [threads.submit(send) for _ in range(most)]
        insert.leaders_connection.close()
        wrapper.close_pool()

    assert [outcome.result() for outcome in outcomes] == [Outcome.STORED] * most


class Commits:
    """A commit that waits until it may go on, and fails as told."""

    def __init__(self, *failures: BaseException | None) -> None:
        self.failures = list(failures)
        self.groups: list[list[int]] = []
        self.may_go_on = threading.Event()

    def __call__(self, items: Sequence[int]) -> list[Exception | None]:
        self.groups.append(list(items))
        assert self.may_go_on.wait(20)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        return [ValueError(item) if item < 0 else None for item in items]


def run(commits: Commits, items: Sequence[int]) -> list[BaseException | None]:
    """Give the first item, then the others while its commit is under way."""
    commit = GroupCommit(commits)
    with ThreadPoolExecutor(len(items)) as threads:
        first = threads.submit(commit, items[0])
        eventually(lambda: bool(commits.groups))
        others = [threads.submit(commit, item) for item in items[1:]]
        eventually(lambda: commit.waiting == len(others))
        commits.may_go_on.set()
        found = [outcome.exception(20) for outcome in (first, *others)]
    assert not commit.is_busy
    commit(99)
    return found


def test_each_hears_its_own_error() -> None:
    commits = Commits()

    assert list(map(type, run(commits, [1, 2, -3, 4]))) == [NONE, NONE, ValueError, NONE]
    assert list(map(sorted, commits.groups)) == [[1], [-3, 2, 4], [99]]


def test_a_failure_is_told_to_all_that_it_concerns_and_the_next_go_on() -> None:
    failed = run(Commits(OSError("away")), [1, 2, 3])
    assert list(map(type, failed)) == [OSError, NONE, NONE]

    failed = run(Commits(None, OSError("away")), [1, 2, 3])
    assert list(map(type, failed)) == [NONE, OSError, OSError]


def test_if_the_leader_is_torn_away_the_others_are_told_to_come_again() -> None:
    failed = run(Commits(None, SystemExit()), [1, 2, 3])

    assert failed[0] is None
    assert sorted(type(error).__name__ for error in failed[1:]) == ["SystemExit", "Unavailable"]
