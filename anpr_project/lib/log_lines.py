"""One log record as one line, JSON or readable; standard library only, for processes without Django."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

_request_id: ContextVar[str] = ContextVar("request_id")
# What every record has; the rest is what the caller gave as `extra`.
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Django adds the request to its errors: its text holds the query, and so plates.
_HIDDEN = frozenset({"request"})


@contextmanager
def about_request(request_id: str) -> Iterator[None]:
    """Give the lines that are written inside the request's id."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


def _details(record: logging.LogRecord) -> dict[str, Any]:
    extra = {k: v for k, v in vars(record).items() if k not in _USUAL and k not in _HIDDEN}
    request_id = _request_id.get("")
    return extra | ({"request_id": request_id} if request_id else {})


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "event": record.getMessage(),
            **_details(record),
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": _moment(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        return json.dumps(line, default=repr)


class ReadableLines(logging.Formatter):
    """For a terminal. Tracebacks are plain: with local variables they would show secrets and plates."""

    def format(self, record: logging.LogRecord) -> str:
        details = " ".join(f"{name}={value!r}" for name, value in _details(record).items())
        line = f"{_moment(record)} {record.levelname.lower():8} {record.getMessage()} [{record.name}] {details}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line.rstrip()


def write_to_stderr(level: str) -> logging.Handler:
    """Set up a process that does without Django's settings."""
    handler = logging.StreamHandler()
    handler.setFormatter(ReadableLines() if os.isatty(2) else JsonLines())
    logging.basicConfig(level=level, handlers=[handler])
    return handler
