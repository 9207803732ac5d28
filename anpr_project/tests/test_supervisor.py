from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from anpr_project import supervisor
from anpr_project.supervisor import Child, Supervisor


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def eventually(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not fact():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def ended(child: Child) -> None:
    assert child.process is not None
    child.process.wait(timeout=60)


def test_process_that_keeps_dying_is_started_ever_more_slowly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr("anpr_project.supervisor.time.monotonic", lambda: now[0])
    child = Child("broken", python("raise SystemExit(3)"))
    waits = []
    child.check()
    for _ in range(9):
        ended(child)
        child.check()
        assert child.process is None
        waits.append(child.due_at - now[0])
        now[0] = child.due_at - 0.01
        child.check()
        assert child.process is None, "started before its time"
        now[0] = child.due_at
        child.check()
    assert waits == [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]

    now[0] += supervisor.SETTLED_S
    ended(child)
    child.check()
    assert child.due_at - now[0] == 0.125


def test_process_killed_again_and_again_comes_back_each_time_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr("anpr_project.supervisor.time.monotonic", lambda: now[0])
    child = Child("victim", python("import time; time.sleep(60)"))
    child.check()
    for _ in range(5):
        now[0] += 6
        child.check()
        assert child.process is not None, "ended without being killed"
        child.kill_group()
        ended(child)
        child.check()
        assert child.due_at - now[0] == 0.125
        now[0] = child.due_at
        child.check()
    child.kill_group()
    ended(child)


def test_what_a_dead_process_leaves_behind_is_ended_before_the_restart(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = (
        "import pathlib, subprocess, sys\n"
        "left = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"pathlib.Path({str(note)!r}).write_text(str(left.pid))\n"
    )
    child = Child("parent", python(code))
    child.check()
    ended(child)
    child.check()
    eventually(lambda: is_gone(int(note.read_text())))


def test_dead_process_no_longer_counts_in_the_metrics(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    child = Child("stream", python(""))
    child.check()
    assert child.process is not None
    gauge = tmp_path / f"gauge_livesum_{child.process.pid}.db"
    gauge.touch()
    ended(child)
    child.check()
    assert not gauge.exists()


STUBBORN = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(flush=True)\ntime.sleep(60)"


def run_until(
    ready: Callable[[], bool], commands: dict[str, list[str]], draining: Path
) -> list[int]:
    """Run a supervisor until `ready`, ask it to stop, and return the processes it had."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    guard = Supervisor(commands, draining)

    def ask() -> None:
        eventually(ready)
        os.kill(os.getpid(), signal.SIGTERM)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        guard.run()
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
        asking.join()
    return [child.process.pid for child in guard.children if child.process is not None]


def test_process_that_does_not_stop_is_killed_in_the_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(supervisor, "NOTICE_S", 0.1)
    monkeypatch.setattr(supervisor, "DRAIN_S", 0.5)
    note, draining = tmp_path / "started", tmp_path / "draining"
    draining.touch()  # left by a supervisor that was killed
    code = STUBBORN.replace("print(flush=True)", f"open({str(note)!r}, 'w').close()")
    pids = run_until(note.exists, {"stubborn": python(code)}, draining)
    assert len(pids) == 1
    assert all(is_gone(pid) for pid in pids)
    assert not draining.exists()


def test_marker_is_there_before_the_processes_are_told_to_stop(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(supervisor, "NOTICE_S", 0.1)
    note, seen, draining = tmp_path / "started", tmp_path / "seen", tmp_path / "draining"
    code = (
        "import pathlib, signal, sys, time\n"
        "def stop(*_):\n"
        f"    pathlib.Path({str(seen)!r}).write_text(str(pathlib.Path({str(draining)!r}).exists()))\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        f"open({str(note)!r}, 'w').close()\n"
        "time.sleep(60)\n"
    )
    run_until(note.exists, {"polite": python(code)}, draining)
    assert seen.read_text() == "True"
    assert not draining.exists()
