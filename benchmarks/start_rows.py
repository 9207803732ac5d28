"""P7: the second start of `make run` on an existing database, and its memory at rest."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from findings import Finding
from processes import end, rss_mb
from product import Server, free_port

REST_S = 8


def starts(*, pairs: int) -> list[Finding]:
    """Start, stop and start again; the first start, which makes the tables, is not counted."""
    seconds, memory = [], []
    with tempfile.TemporaryDirectory(prefix="bench-run-") as folder:
        for turn in range(pairs + 1):
            server = Server("run", Path(folder), free_port(), {})
            took = server.start()
            assert server.process is not None  # noqa: S101 - for the type checker
            if turn:
                seconds.append(took)
                time.sleep(REST_S if turn == pairs else 0)
                memory.append(rss_mb([server.process.pid]))
            end(server.process)
    return [
        Finding("P7", "`make run`, second start to the first 200", "s", 5, seconds, at_least=False),
        Finding("P7", "`make run`, memory at rest", "MB", 200, memory[-1:], at_least=False),
    ]
