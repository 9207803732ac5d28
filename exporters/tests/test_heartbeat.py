"""The workers' signs of life."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.utils import timezone

from exporters.models import FORGOTTEN_AFTER, WorkerHeartbeat


@pytest.mark.django_db
def test_a_worker_that_beats_again_keeps_its_row_and_its_start() -> None:
    WorkerHeartbeat.beat(name="a", pid=7)
    first = WorkerHeartbeat.objects.get()
    WorkerHeartbeat.beat(name="a", pid=7)
    again = WorkerHeartbeat.objects.get()
    WorkerHeartbeat.beat(name="a", pid=8)
    restarted = WorkerHeartbeat.objects.get()

    assert (again.started_at, again.pk) == (first.started_at, first.pk)
    assert again.beat_at > first.beat_at
    assert (restarted.pid, restarted.pk) == (8, first.pk)
    assert restarted.started_at > first.started_at
    assert str(restarted) == "a"


@pytest.mark.django_db
def test_workers_of_long_ago_are_forgotten_when_a_new_one_starts() -> None:
    for name, age in (("old", FORGOTTEN_AFTER * 2), ("recent", timedelta(hours=1))):
        WorkerHeartbeat.beat(name=name, pid=os.getpid())
        WorkerHeartbeat.objects.filter(name=name).update(beat_at=timezone.now() - age)

    WorkerHeartbeat.beat(name="new", pid=1)

    assert set(WorkerHeartbeat.objects.values_list("name", flat=True)) == {"recent", "new"}
