"""What must not creep up: statements and Python calls, which no busy machine changes."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.core.servers.basehttp import get_internal_wsgi_application
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from knox.models import AuthToken
from rest_framework.test import APIClient

from anpr_project.lib.tests.factories import make_user
from cameras.models import Camera
from events.ingest.insert import leaders_connection
from events.statistics import summary
from events.stream.dispatch import dispatch
from events.tests.conftest import INGEST, Sender, make_sender
from events.tests.factories import multipart, picture, reading
from sensors.configuration_changes import changes

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="the production shape is counted"),
]
EVENTS = "/api/v1/events"
STATS = f"{EVENTS}/stats"
# Measured: 1,162 on Python 3.11, with the limit in front, the metrics and the access log of the tests.
MOST_CALLS = 1250
# Of a program's pages of 50 events: 3,437 to 3,837; of statistics of so many days: 4,604 and 4,983.
MOST_CALLS_OF_A_PAGE = {"": 3800, "?plate=AB12CDE": 4200, "?similar=AB12CDE": 4200}
MOST_CALLS_OF_STATISTICS = {30: 5050, 365: 5450}


@pytest.fixture
def known_sender() -> Sender:
    """A sensor whose key this process has seen, and remembers as it does in production."""
    sender = make_sender()
    deadline = time.monotonic() + 20
    while changes.revision() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert changes.revision() is not None
    # The first one also notes the use of the key and the sensor's life sign.
    assert sender.send(reading(), frame=picture()).status_code == 201
    assert sender.send(reading(), frame=picture()).status_code == 201
    return sender


def statements(act: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert act().status_code in {200, 201}
    return len(captured)


def known_camera() -> int:
    return Camera.objects.values_list("pk", flat=True).latest("pk")


def send_batch(sender: Sender, size: int) -> Any:
    body = json.dumps([reading() for _ in range(size)])
    return sender.post(body, path=f"{INGEST}/batch")


def test_an_event_with_pictures_is_one_statement(known_sender: Sender) -> None:
    with CaptureQueriesContext(leaders_connection()) as shared:
        own = statements(lambda: known_sender.send(reading(), frame=picture(), crop=picture()))
    assert (own, len(shared)) == (0, 1)


def test_a_batch_is_as_many_statements_whatever_its_size(known_sender: Sender) -> None:
    few, many = (statements(partial(send_batch, known_sender, size)) for size in (2, 60))
    assert few == many <= 7


def test_a_page_of_the_list_and_the_statistics_cost_the_same_with_more_events(
    known_sender: Sender,
) -> None:
    api = APIClient()
    api.force_authenticate(make_user(role="Viewers"))
    counts = []
    paths = [EVENTS, f"{EVENTS}?camera={known_camera()}", f"{EVENTS}?similar=AB12CDE", STATS]
    for _ in range(3):  # the first look also reads the user's rights
        send_batch(known_sender, 20)
        while dispatch() is not None:
            pass
        counts.append([statements(partial(api.get, path)) for path in paths])
    assert counts[1] == counts[2]
    page, of_camera, look_alikes, statistics = counts[2]
    assert page == of_camera <= 2
    assert look_alikes <= 3
    assert statistics <= 6


def calls_of(application: Any, environ: dict[str, Any], expected: str) -> int:
    count = 0

    def profile(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    statuses: list[str] = []
    # Any: its type is that of a server, which could write too.
    start_response: Any = lambda status, headers: statuses.append(status)  # noqa: E731
    sys.setprofile(profile)
    try:
        content = b"".join(application(environ, start_response))
    finally:
        sys.setprofile(None)
    assert statuses == [expected], content
    return count


def test_an_event_takes_no_more_calls_than_it_did(known_sender: Sender) -> None:
    counts, application = [], get_internal_wsgi_application()
    for _ in range(5):
        form = multipart(reading(), frame=picture(), crop=picture())
        environ = (
            RequestFactory()
            .post(INGEST, headers={"Authorization": known_sender.authorization}, **form)
            .environ
        )
        environ["wsgi.input"] = io.BytesIO(form["data"])
        counts.append(calls_of(application, environ, "201 Created"))
    assert min(counts) <= MOST_CALLS, counts


@pytest.fixture
def ask(known_sender: Sender) -> Callable[[str], int]:
    """Return the calls that an answer about sixty events takes, which a program asks for."""
    send_batch(known_sender, 60)
    while dispatch() is not None:
        pass
    authorization = f"Token {AuthToken.objects.create(make_user(role='Viewers'))[1]}"
    application = get_internal_wsgi_application()

    def least(path: str) -> int:
        environ = RequestFactory().get(path, headers={"Authorization": authorization}).environ
        return min(calls_of(application, dict(environ), "200 OK") for _ in range(4))

    return least


def test_a_page_takes_no_more_calls_than_it_did(ask: Callable[[str], int]) -> None:
    counts = {query: ask(EVENTS + query) for query in MOST_CALLS_OF_A_PAGE}
    assert all(counts[query] <= most for query, most in MOST_CALLS_OF_A_PAGE.items()), counts


def test_statistics_take_no_more_calls_than_they_did(
    ask: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As with many events: the most frequent plates are told from the counts by day and month.
    monkeypatch.setattr(summary, "FEW_EVENTS", 0)
    today, counts = datetime.now(UTC).date(), {}
    for days in MOST_CALLS_OF_STATISTICS:
        counts[days] = ask(f"{STATS}?from={today - timedelta(days=days)}T00:00:00Z")
    assert all(counts[days] <= most for days, most in MOST_CALLS_OF_STATISTICS.items()), counts
