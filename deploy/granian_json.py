"""Starts granian as its command does, with what its own processes say in JSON lines.

It loads the product only in its workers; nothing of ours is importable here.
"""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime

from granian.cli import entrypoint


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "event": record.getMessage(),
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


class Unasked(logging.Filter):
    """Leaves out the warning about many threads: nearly all of ours only wait for their turn."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "Python threads, which seems quite high" not in record.getMessage()


# In the workers too, until Django sets up the product's own.
handler = logging.StreamHandler()
handler.addFilter(Unasked())
if not os.isatty(2):
    handler.setFormatter(JsonLines())
logging.getLogger().addHandler(handler)

if __name__ == "__main__":
    entrypoint()  # type: ignore[no-untyped-call]
