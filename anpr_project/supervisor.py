"""Keeps the production processes alive on one machine, and stops them in good order.

A program of its own, into which `manage.py serve` turns when all is prepared: it imports neither
Django nor the apps, for it only watches.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from anpr_project.lib.log_lines import write_to_stderr

logger = logging.getLogger("anpr_project.supervisor")

POLL_S = 0.1
FIRST_DELAY_S, LONGEST_DELAY_S = 0.125, 10.0
# Alive for this long, a process counts as started well, and comes back as after its first end: one
# killed every few seconds is not kept away. One that fails later than this is no tight loop either.
SETTLED_S = 5
# Time for a load balancer to see /ready fail before connections are refused.
NOTICE_S = 1.0
DRAIN_S = 25
PR_SET_PDEATHSIG = 1


def _dies_with(parent: int) -> Callable[[], None] | None:
    """Return what a child runs before its exec so that it does not outlive the supervisor.

    A supervisor killed by SIGKILL cannot tell its children. The Linux kernel can: it sends them
    SIGTERM, on which each drains as usual. Elsewhere the service manager has to do it.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def before_exec() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return before_exec


def _forget_gauges(pid: int) -> None:
    """Do what prometheus_client calls `mark_process_dead`.

    Else the connections that the process had open would be counted for ever.
    """
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    for file in Path(folder).glob(f"gauge_live*_{pid}.db") if folder else ():
        file.unlink(missing_ok=True)


class Child:
    """One process that is started again, ever more slowly, when it ends."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name, self.command = name, command
        self.process: subprocess.Popen[bytes] | None = None
        self.delay_s = FIRST_DELAY_S
        self.started_at = 0.0
        self.due_at = 0.0

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - our own command line
            self.command,
            # A group of its own: Ctrl-C reaches the supervisor alone, and what a killed server
            # leaves behind can be ended with it.
            start_new_session=True,
            # Safe, because the supervisor has no threads.
            preexec_fn=_dies_with(os.getpid()),
        )
        logger.info("process started", extra={"process_name": self.name, "pid": self.process.pid})

    def check(self) -> None:
        """Start the process if it is not there and its delay is over."""
        now = time.monotonic()
        if self.process is not None:
            status = self.process.poll()
            if status is None:
                return
            self.kill_group()
            _forget_gauges(self.process.pid)
            if now - self.started_at >= SETTLED_S:
                self.delay_s = FIRST_DELAY_S
            self.due_at = now + self.delay_s
            logger.error(
                "process ended",
                extra={"process_name": self.name, "status": status, "restart_in_s": self.delay_s},
            )
            self.delay_s = min(self.delay_s * 2, LONGEST_DELAY_S)
            self.process = None
        if now >= self.due_at:
            self.start()

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def terminate(self) -> None:
        if self.process is not None:
            self.process.terminate()

    def kill_group(self) -> None:
        """End the process and whatever it started; harmless when all of them are gone."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Supervisor:
    def __init__(self, commands: dict[str, list[str]], draining: Path) -> None:
        self.children = [Child(name, command) for name, command in commands.items()]
        self.draining = draining
        self.stopping = False

    def run(self) -> None:
        """Keep every process running until SIGTERM or SIGINT, then drain and stop them all."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: setattr(self, "stopping", True))
        self.draining.unlink(missing_ok=True)
        try:
            while not self.stopping:
                for child in self.children:
                    child.check()
                time.sleep(POLL_S)
        finally:
            self.stop()

    def stop(self) -> None:
        self.draining.touch()
        try:
            if self._wait(self.children, NOTICE_S):
                self._stop_children()
        finally:
            self.draining.unlink(missing_ok=True)

    def _stop_children(self) -> None:
        for child in self.children:
            child.terminate()
        for child in self._wait(self.children, DRAIN_S):
            logger.error("process killed", extra={"process_name": child.name})
        for child in self.children:
            child.kill_group()
            if child.process is not None:
                child.process.wait()

    @staticmethod
    def _wait(children: Iterable[Child], seconds: float) -> list[Child]:
        """Return the children that are still alive after `seconds`, sooner when none is."""
        deadline = time.monotonic() + seconds
        while True:
            alive = [child for child in children if child.is_alive()]
            if not alive or time.monotonic() >= deadline:
                return alive
            time.sleep(POLL_S)


if __name__ == "__main__":
    # Its arguments are made by anpr_project.processes.
    write_to_stderr(os.environ.get("LOG_LEVEL", "").strip().upper() or "INFO")
    Supervisor(json.loads(sys.argv[2]), Path(sys.argv[1])).run()
