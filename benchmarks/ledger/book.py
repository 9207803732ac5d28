"""The ledger: what sensors sent and what they were told, an append-only file of JSON lines."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO


@dataclass
class Entry:
    """What a sensor knows of one event."""

    event_id: str
    sensor: int
    # SHA-256 of the pictures as sent; empty without.
    frame: str = ""
    crop: str = ""
    # "ok": acknowledged. "refused": told for good that it is wrong. "unknown": nobody can tell.
    outcome: str = "unknown"
    id: int | None = None
    status: int | None = None
    attempts: int = 0
    sent_at: float = 0.0
    acked_at: float = 0.0
    # The last attempt began then; with `acked_at` it tells when the product was back.
    tried_at: float = 0.0
    # It was sent once more after its acknowledgement: what it was told then, status and id.
    again: list[int | None] = field(default_factory=list)
    # It was sent once more with other content: the status.
    conflict: int | None = None
    direct: bool = False

    @property
    def key(self) -> tuple[int, str]:
        return self.sensor, self.event_id


class Book:
    """Written by many sensors at once; an event's last line counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] = path.open("a", buffering=1)
        self._lock = threading.Lock()

    def write(self, entry: Entry) -> None:
        with self._lock:
            self._file.write(json.dumps(asdict(entry)) + "\n")

    def close(self) -> None:
        self._file.close()


def read(path: Path) -> list[Entry]:
    entries: dict[tuple[int, str], Entry] = {}
    for line in path.read_text().splitlines():
        entry = Entry(**json.loads(line))
        entries[entry.key] = entry
    return list(entries.values())
