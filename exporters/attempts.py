"""INSERT of many attempts in one statement: as instances they cost more than the sending."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from django.db import connection

from exporters.models import DeliveryAttempt


class Attempt(NamedTuple):
    """A row, by its columns."""

    delivery_id: int
    started_at: datetime
    duration_ms: float
    succeeded: bool
    code: int | None
    error: str


# One parameter for all of them, which takes half a microsecond each to make.
STATEMENT = f"""
    INSERT INTO {DeliveryAttempt._meta.db_table} ({", ".join(Attempt._fields)})
    SELECT (row->>0)::bigint, (row->>1)::timestamptz, (row->>2)::float8, (row->>3)::boolean,
        (row->>4)::int, row->>5
    FROM json_array_elements(%s::json) AS given(row)
"""  # noqa: S608 - names of our own


def insert_attempts(attempts: Sequence[Attempt]) -> None:
    if connection.vendor != "postgresql":
        DeliveryAttempt.objects.bulk_create(DeliveryAttempt(**one._asdict()) for one in attempts)
        return
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, [msgspec.json.encode(attempts).decode()])
