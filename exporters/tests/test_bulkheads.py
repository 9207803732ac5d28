"""Ten exporters, of which one never answers and one is slow, and as few connections as can be."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from events.ingest.insert import leaders_connection
from exporters import lane, lanes
from exporters.lanes import Lanes
from exporters.tests.sinks import OK, Reply, Request, Sink
from exporters.tests.test_lanes import delivered, eventually, send, to

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has a pool"),
]

WELL, EVENTS = 8, 5
# The least that can be set. The worker's loop has one, as the test has here; ten lanes and their
# ten recorders share the other.
CONNECTIONS = 2


@pytest.fixture
def small_pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    wrapper: Any = connection
    wrapper.close()
    wrapper.close_pool()
    with monkeypatch.context() as patch:
        patch.setitem(wrapper.settings_dict["OPTIONS"]["pool"], "max_size", CONNECTIONS)
        yield wrapper.pool
        wrapper.close()
        wrapper.close_pool()


def test_ten_lanes_and_their_recorders_share_the_smallest_pool(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, small_pool: Any
) -> None:
    settings.EXPORT_ALLOW_NETWORKS = ["127.0.0.0/8"]
    monkeypatch.setattr(lanes, "TEND_S", 0.0)
    monkeypatch.setattr(lane, "LOOK_S", 0.05)
    release, running = threading.Event(), Lanes()

    def never(request: Request) -> Reply:
        release.wait(30)
        return OK

    def slowly(request: Request) -> Reply:
        time.sleep(0.5)
        return OK

    with Sink() as sink, Sink(never) as hole, Sink(slowly) as slow:
        well = [to(sink) for _ in range(WELL)]
        stuck, late = to(hole, retry={"timeout_s": 30}), to(slow)
        send(EVENTS)
        # Events come in by other processes: a worker has no such connection.
        leaders_connection.close()
        running.tend()
        try:
            eventually(lambda: all(delivered(one) == EVENTS for one in [*well, late]), 40)
            assert delivered(stuck) == 0
        finally:
            release.set()
            running.stop(10)
    assert delivered(stuck) == EVENTS
    # As many as there were at most, and nobody kept one.
    assert small_pool.get_stats()["pool_size"] <= CONNECTIONS
    assert small_pool.get_stats().get("requests_waiting", 0) == 0
