"""A check beside the request: shared, bounded in time, asked again when it is old."""

from __future__ import annotations

import threading
import time

import pytest

from anpr_project.lib.probe import Probe


def test_health_is_asked_once_for_many_callers() -> None:
    calls: list[int] = []

    def check() -> int:
        calls.append(1)
        time.sleep(0.05)
        return 1

    probe = Probe(check, failed=0, keep_s=60)
    answers: list[int] = []
    callers = [threading.Thread(target=lambda: answers.append(probe.answer())) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert (answers, len(calls)) == ([1] * 8, 1)


def test_a_run_that_hangs_is_left_behind_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anpr_project.lib.probe.DEADLINE_S", 0.05)
    released, calls = threading.Event(), []

    def check() -> str:
        calls.append(1)
        if len(calls) == 1:
            released.wait(5)
        return "up"

    probe = Probe(check, failed="down", keep_s=60)
    first, second = probe.answer(), probe.answer()
    monkeypatch.setattr("anpr_project.lib.probe.GIVE_UP_S", 0.0)
    monkeypatch.setattr("anpr_project.lib.probe.DEADLINE_S", 2.0)
    third = probe.answer()
    released.set()

    assert (first, second, third, len(calls)) == ("down", "down", "up", 2)


def test_an_answer_is_asked_for_again_when_it_is_old() -> None:
    calls: list[int] = []
    probe = Probe(lambda: calls.append(1), failed=None, keep_s=-1)

    probe.answer()
    probe.answer()

    assert len(calls) == 2
