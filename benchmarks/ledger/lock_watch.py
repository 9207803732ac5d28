"""Looks ten times a second who waits for a lock, how long already, and for whom."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import LiteralString

WAITS: LiteralString = """
    SELECT
        extract(epoch FROM clock_timestamp() - lock.waitstart),
        lock.locktype, lock.mode, coalesce(lock.relation::regclass::text, ''), waiting.query,
        coalesce((
            SELECT string_agg(
                blocking.state || ' for ' ||
                round(extract(epoch FROM clock_timestamp() - blocking.xact_start), 2) || ' s: ' ||
                left(regexp_replace(blocking.query, '\\s+', ' ', 'g'), 160), ' | '
            )
            FROM pg_stat_activity blocking WHERE blocking.pid = ANY(pg_blocking_pids(lock.pid))
        ), '')
    FROM pg_locks lock JOIN pg_stat_activity waiting USING (pid)
    WHERE NOT lock.granted AND lock.waitstart IS NOT NULL
"""


@dataclass(frozen=True)
class Wait:
    seconds: float
    lock: str
    waiting: str
    blocking: str

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s for {self.lock}: {self.waiting}\n    behind {self.blocking}"


class LockWatch(threading.Thread):
    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.address, self.stopping = address, threading.Event()
        # Of each statement and lock, the longest.
        self.waits: dict[tuple[str, str], Wait] = {}

    @property
    def longest(self) -> float:
        return max((wait.seconds for wait in self.waits.values()), default=0.0)

    def run(self) -> None:
        import psycopg

        with psycopg.connect(self.address, autocommit=True) as connection:
            while not self.stopping.wait(0.1):
                for row in connection.execute(WAITS):
                    self._note(*row)

    def _note(
        self, seconds: float, kind: str, mode: str, relation: str, query: str, blocking: str
    ) -> None:
        waiting = " ".join(query.split())[:160]
        wait = Wait(float(seconds), f"{kind} {relation} {mode}", waiting, blocking)
        key = waiting[:60], kind
        if key not in self.waits or self.waits[key].seconds < wait.seconds:
            self.waits[key] = wait

    def tell(self, above_s: float = 0.3) -> list[str]:
        """Say who waited longest, for whom."""
        found = sorted(self.waits.values(), key=lambda wait: wait.seconds, reverse=True)
        return [str(wait) for wait in found if wait.seconds > above_s][:8]
