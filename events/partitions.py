"""The months of the table of events on PostgreSQL: made ahead of time, dropped whole.

SQLite has one plain table: there is nothing to make, and nothing to drop.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

logger = logging.getLogger(__name__)

TABLE = "events_plateevent"
DEFAULT = f"{TABLE}_default"
MONTHS_AHEAD = 2
# A month that is older or lies further ahead stays in the default partition: a wrong clock must
# not make two hundred years of tables.
MONTHS_BACK = 120
# So many events of one month in the default partition are no accident.
MANY = 10_000
# New events wait behind whoever waits to attach or detach a partition; rather than long, that is
# tried again later.
LOCK_TIMEOUT = "500ms"
_name = re.compile(rf"{TABLE}_([0-9]{{4}})_([0-9]{{2}})")


class Month(NamedTuple):
    year: int
    month: int

    @classmethod
    def of(cls, moment: datetime) -> Month:
        utc = moment.astimezone(UTC)
        return cls(utc.year, utc.month)

    def __add__(self, months: int) -> Month:  # type: ignore[override]
        years, index = divmod(self.month - 1 + months, 12)
        return Month(self.year + years, index + 1)

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        return (self + 1).start

    @property
    def table(self) -> str:
        return f"{TABLE}_{self.year:04}_{self.month:02}"


def is_partitioned() -> bool:
    return connection.vendor == "postgresql"


def _tables(*, attached: bool) -> list[Month]:
    """Return the months that have a table, in order."""
    if not is_partitioned():
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relispartition = %s "
            "AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = %s::regclass)",
            [attached, TABLE],
        )
        found = (_name.fullmatch(name) for (name,) in cursor.fetchall())
        return sorted(Month(int(match[1]), int(match[2])) for match in found if match)


def months() -> list[Month]:
    """Return the months that have a partition, in order."""
    return _tables(attached=True)


def set_apart() -> list[Month]:
    """Return the months whose table is no longer part of the whole."""
    return _tables(attached=False)


def create_apart(month: Month) -> None:
    """Make the month's table, not yet part of the whole and without indexes."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {month.table} (LIKE {TABLE} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
        )


def attach(month: Month) -> None:
    """Make the month's table part of the whole, with what the default partition holds of it.

    Must run inside a transaction.
    """
    between = "captured_at >= %s AND captured_at < %s"
    span = [month.start, month.end]
    with connection.cursor() as cursor:
        # Nothing of the month may arrive in the default partition between the two statements.
        cursor.execute(f"LOCK TABLE {DEFAULT} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(
            f"WITH moved AS (DELETE FROM {DEFAULT} WHERE {between} RETURNING *) "  # noqa: S608
            f"INSERT INTO {month.table} SELECT * FROM moved",
            span,
        )
        cursor.execute(
            f"ALTER TABLE {TABLE} ATTACH PARTITION {month.table} FOR VALUES FROM (%s) TO (%s)", span
        )


def _grown_in_default(now: datetime) -> Iterator[Month]:
    """Yield the months that hold many events in the default partition."""
    first, last = Month.of(now) + -MONTHS_BACK, Month.of(now)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT date_trunc('month', captured_at AT TIME ZONE 'UTC') AS month "  # noqa: S608
            f"FROM {DEFAULT} WHERE captured_at >= %s AND captured_at < %s "
            "GROUP BY month HAVING count(*) >= %s",
            [first.start, last.end, MANY],
        )
        for (start,) in cursor.fetchall():
            yield Month(start.year, start.month)


def make_ahead(now: datetime | None = None) -> list[Month]:
    """Make the partitions of this month and the next ones; return which are new.

    Also those of older months that have grown in the default partition, as when a sensor sends
    what it kept for a year.
    """
    if not is_partitioned():
        return []
    now = now or timezone.now()
    wanted = {Month.of(now) + ahead for ahead in range(MONTHS_AHEAD + 1)}
    wanted |= set(_grown_in_default(now))
    made = []
    for month in sorted(wanted.difference(months())):
        with transaction.atomic():
            wait_shortly()
            with connection.cursor() as cursor:
                # One worker at a time; the other then finds it made.
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [TABLE])
            if month in months():
                continue
            create_apart(month)
            attach(month)
        made.append(month)
        logger.info("partition made", extra={"month": f"{month.year:04}-{month.month:02}"})
    return made


def wait_shortly() -> None:
    """Wait for no lock for long, until the transaction ends: OperationalError instead."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")


def waited_too_long(error: DatabaseError) -> bool:
    return getattr(error.__cause__, "sqlstate", "") == "55P03"


def refuse_rows(month: Month) -> None:
    """Let nobody add to the month until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {month.table} IN SHARE ROW EXCLUSIVE MODE")


def detach(month: Month) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} DETACH PARTITION {month.table}")


def drop(month: Month) -> None:
    """Drop the table of a month that is set apart."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {month.table}")
    logger.info("partition dropped", extra={"month": f"{month.year:04}-{month.month:02}"})
