"""A check that runs beside the request, so that a service that hangs cannot hang the answer."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)
T = TypeVar("T")

DEADLINE_S = 2.0
# A run that hangs this long is left behind and a new one started, so that the check recovers.
GIVE_UP_S = 60.0


@dataclass
class Run(Generic[T]):
    started: float = field(default_factory=time.monotonic)
    future: Future[T] = field(default_factory=Future)

    @property
    def age(self) -> float:
        return time.monotonic() - self.started

    def work(self, check: Callable[[], T]) -> None:
        try:
            self.future.set_result(check())
        except BaseException as error:
            self.future.set_exception(error)


class Probe(Generic[T]):
    """Runs `check` at most every `keep_s` seconds; callers share the run and its answer."""

    def __init__(self, check: Callable[[], T], *, failed: T, keep_s: float) -> None:
        self.check = check
        self.failed = failed
        self.keep_s = keep_s
        self._run: Run[T] | None = None
        self._lock = threading.Lock()

    def start(self) -> Run[T]:
        """Return the run whose answer counts now; to ask several probes at once, start them all."""
        with self._lock:
            run = self._run
            if run is None or run.age > (self.keep_s if run.future.done() else GIVE_UP_S):
                run = self._run = Run[T]()
                threading.Thread(target=run.work, args=(self.check,), daemon=True).start()
            return run

    def answer(self) -> T:
        """Return what the check found, or `failed` if it failed or is not back in time."""
        run = self.start()
        try:
            return run.future.result(timeout=max(0.0, DEADLINE_S - run.age))
        except Exception as error:
            # Whatever a service does, the probe must answer.
            reason = type(error).__name__
            logger.warning("probe failed", extra={"probe": self.check.__name__, "reason": reason})
            return self.failed

    def forget(self) -> None:
        """Make the next call ask again."""
        with self._lock:
            self._run = None
