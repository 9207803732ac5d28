from __future__ import annotations

import json
import os
import signal
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from audit.models import Action, AuditEntry, Channel
from events.models import EventReceipt, PlateEvent
from events.retention.deletion import expire
from events.stream import doorbell
from events.stream.dispatch import dispatch
from events.stream.doorbell import Doorbell
from events.tests.conftest import make_sender
from events.tests.factories import reading
from exporters import worker
from exporters.models import WorkerHeartbeat
from exporters.worker import Worker


class Bell:
    """Counts the heads that it is rung with, and can stop the worker that rings it."""

    def __init__(self, stop_after: int) -> None:
        self.heads: list[int] = []
        self.stop_after = stop_after
        self.worker = Worker(self)

    def __call__(self, head: int) -> None:
        self.heads.append(head)
        if len(self.heads) == self.stop_after:
            self.worker.stop()


def send(count: int = 1) -> None:
    sender = make_sender()
    for _ in range(count):
        assert sender.post(json.dumps(reading())).status_code == 201


@pytest.mark.main_path
@pytest.mark.django_db(transaction=True)
def test_worker_makes_events_visible_rings_and_beats() -> None:
    send(2)
    bell = Bell(stop_after=1)
    bell.worker.run_forever()
    assert bell.heads == [2]
    assert set(EventReceipt.objects.values_list("position", flat=True)) == {1, 2}
    assert WorkerHeartbeat.objects.get().pid == os.getpid()


@pytest.mark.django_db(transaction=True)
def test_worker_seals_the_audit_log_and_keeps_its_signed_head(
    settings: Settings, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path
    AuditEntry.objects.create(at=timezone.now(), action=Action.READ, channel=Channel.SESSION)
    send()
    Bell(stop_after=1).worker.run_forever()
    entry = AuditEntry.objects.get()
    [line] = (tmp_path / "audit-heads.log").read_text().splitlines()
    assert f" 1:{entry.hash} " in line


@pytest.mark.django_db(transaction=True)
def test_worker_goes_on_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "AFTER_FAILURE_S", 0.01)
    send()
    failures = iter([OperationalError("gone"), ValueError("bug")])

    def flaky(also: Any) -> int | None:
        for error in failures:
            raise error
        return dispatch(also)

    monkeypatch.setattr(worker, "dispatch", flaky)
    bell = Bell(stop_after=1)
    bell.worker.run_forever()
    assert bell.heads == [1]


@pytest.mark.django_db(transaction=True)
def test_idle_worker_prunes_a_batch_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    send(3)
    long_ago = timezone.now() - timedelta(days=1000)
    for model in (PlateEvent, EventReceipt):
        model.objects.update(captured_at=long_ago)
    monkeypatch.setattr(worker, "expire", lambda **also: expire(batch=2, **also))
    idle = Worker(lambda head: None)
    left = []
    for _ in range(4):
        idle._turn()
        left.append(PlateEvent.objects.count())
    assert left == [3, 1, 0, 0]


@pytest.mark.django_db(transaction=True)
def test_deliver_runs_until_sigterm() -> None:
    send()
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    thread = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    thread.start()
    try:
        call_command("deliver")
    finally:
        thread.join()
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    assert PlateEvent.objects.get().position == 1


def test_dead_layer_silences_the_doorbell_for_a_while() -> None:
    bell = Doorbell()
    with patch.object(doorbell, "ring", autospec=True, side_effect=ConnectionError) as ring:
        bell(1)
        bell(2)
        assert ring.call_count == 1
        bell._silent_until = 0
        bell(3)
        assert ring.call_count == 2
    bell.close()
