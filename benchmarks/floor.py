"""The floor of ingest: a WSGI program that keeps a body durably and does nothing else.

It reads the body, writes and syncs it as one file, and commits one INSERT: below this no program
on the same server gets that keeps the promise. It parses, checks and answers nothing.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psycopg

UPLOADS = Path(os.environ["FLOOR_UPLOADS"])
INSERT = "INSERT INTO kept (name, received_at) VALUES (%s, now()) RETURNING id"
local = threading.local()


def connection() -> psycopg.Connection:
    if not hasattr(local, "connection"):
        local.connection = psycopg.connect(os.environ["FLOOR_DATABASE"], autocommit=True)
    opened: psycopg.Connection = local.connection
    return opened


def keep(data: bytes) -> str:
    name = secrets.token_hex(16)
    descriptor = os.open(UPLOADS / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return name


def application(
    environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]
) -> Iterable[bytes]:
    name = keep(environ["wsgi.input"].read())
    answer = str(connection().execute(INSERT, [name]).fetchone()).encode()
    start_response("201 Created", [("Content-Length", str(len(answer)))])
    return [answer]


if __name__ == "__main__":
    connection().execute(
        "CREATE TABLE kept (id bigserial PRIMARY KEY, name text, received_at timestamptz)"
    )
