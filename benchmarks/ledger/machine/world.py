"""The product in this process, with a real PostgreSQL and a real sink; time stands until it is moved."""

from __future__ import annotations

import io
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

import time_machine
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from rest_framework.test import APIClient

from audit.chain import seal_entries
from events.models import StreamHead
from events.partitions import make_ahead
from events.stream.dispatch import dispatch
from evidence.models import SigningKey
from exporters import lanes
from exporters.delivery import fan_out
from exporters.lane import Lane
from exporters.tests.sinks import Reply, Request, Sink, status
from exporters.transports.webhook import WebhookTransport
from ledger.machine.known import Answer
from sensors.configuration_changes import changes

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
OURS = {"cameras", "zones", "sensors", "models_cfg", "events", "exporters", "audit", "evidence"}
# What a migration made, and what numbers are never given twice.
KEPT = {StreamHead, SigningKey}
DEAD_AFTER_S = 5.0
STALL_S = 2.5
Content = dict[str, Any]


class StillLane(Lane):
    """A lane without threads of its own: it goes when it is told to, until nothing is due."""

    def start(self) -> None:
        pass

    def is_alive(self) -> bool:
        return True

    def settle(self) -> None:
        while True:
            self._turn()
            if not self._recorder.under_way:
                return
            # Its thread does not run either.
            self._recorder._gather()
            if not self._recorder._write_down():
                raise RuntimeError("not recorded")

    def end(self) -> None:
        self._transport.close()


class World:
    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        sink.reply = self._reply
        self.api = APIClient()
        self.api.force_authenticate(User.objects.get(is_superuser=True))
        self.door = APIClient()
        self.answers: dict[str, list[Answer]] = {}
        self.heard: list[tuple[str, str, Content]] = []
        self.lanes = lanes.Lanes()
        self.clock: time_machine.Traveller | None = None

    def _reply(self, request: Request) -> Reply:
        name = request.line.split()[1].rpartition("/")[2]
        self.heard.append((name, request.headers["webhook-id"], json.loads(request.body)["data"]))
        planned = self.answers[name]
        answer = planned.pop(0) if len(planned) > 1 else planned[0]
        if answer.stalls:
            time.sleep(STALL_S)
        if answer.code is None:
            return None
        after = [] if answer.retry_after is None else [f"Retry-After: {answer.retry_after}"]
        return status(answer.code, *after)

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    def move(self, seconds: float) -> None:
        assert self.clock is not None  # noqa: S101 - for the type checker
        self.clock.shift(timedelta(seconds=seconds))

    def call(self, method: str, path: str, body: Any = None, *, by: str = "") -> tuple[int, Any]:
        """Ask as the administrator, or as the sensor whose key is given."""
        client = self.door if by else self.api
        headers = {"authorization": f"Api-Key {by}"} if by else {}
        data = "" if body is None else json.dumps(body)
        answer = client.generic(
            method, f"/api/v1/{path}", data, "application/json", headers=headers
        )
        if answer.status_code >= 500:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.content!r}")
        return answer.status_code, json.loads(answer.content) if answer.content else None

    def make(self, path: str, **fields: Any) -> Any:
        code, made = self.call("POST", path, fields)
        assert code == 201, (path, made)  # noqa: S101 - what the machine judges by
        return made

    def heeded(self, change: Callable[[], Any]) -> Any:
        """Change what sensors are known by; return when every process has to know it."""
        before, deadline = changes.revision(), time.perf_counter() + DEAD_AFTER_S
        found = change()
        while changes.revision() in {before} - {None} and time.perf_counter() < deadline:
            time.sleep(0.001)
        return found

    def dispatch(self) -> None:
        dispatch(fan_out)

    def deliver(self) -> None:
        self.lanes.tend()
        for lane in self.lanes._lanes.values():
            if isinstance(lane, StillLane):
                lane.settle()

    def prune(self, days: int) -> int:
        """Prune by the command; return how many it says."""
        told = io.StringIO()
        call_command("prune_events", days=days, stdout=told)
        return int(told.getvalue().split()[0])

    def verify_audit(self) -> None:
        """Raises CommandError when the chain does not hold."""
        while seal_entries():
            pass
        call_command("verify_audit", stdout=io.StringIO(), stderr=io.StringIO())

    def close(self) -> None:
        for lane in [*self.lanes._lanes.values(), *self.lanes._ending]:
            if isinstance(lane, StillLane):
                lane.end()


def empty() -> None:
    """Take everything that a run has made, past the triggers that guard the audit log."""
    models = [model for model in apps.get_models() if model._meta.app_label in OURS]
    tables = [model._meta.db_table for model in models if model not in KEPT]
    deletions = "; ".join(f'DELETE FROM "{table}"' for table in tables)  # noqa: S608 - our tables
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET session_replication_role = replica; {deletions}; "
            "SET session_replication_role = DEFAULT"
        )


@contextmanager
def world(sink: Sink) -> Iterator[World]:
    """An empty product at the same moment as always."""
    with (
        patch.object(lanes, "Lane", StillLane),
        patch.object(lanes, "TEND_S", float("-inf")),
        patch.object(WebhookTransport, "max_in_flight", 1),
        # So that a story can be told again.
        patch("exporters.delivery.random.SystemRandom", partial(random.Random, 1)),
        time_machine.travel(START, tick=False) as clock,
    ):
        empty()
        make_ahead()
        made = World(sink)
        made.clock = clock
        try:
            yield made
        finally:
            made.close()
