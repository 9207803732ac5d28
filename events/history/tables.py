"""The fast ways into the tables: COPY on PostgreSQL, plain INSERTs of many rows on SQLite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from django.db import connection

from events import partitions
from events.models import DayPlate, EventReceipt, KnownPlate, MonthPlate, PlateEvent, Rollup
from events.plate_counts import Counts, PlateCount
from events.plates import look_alike_key

EVENT = (
    *("id", "event_id", "sensor_id", "camera_id", "zone_id", "plate", "plate_normalized"),
    *("confidence", "region", "captured_at", "received_at"),
    *("vehicle_type", "vehicle_make", "vehicle_color", "details"),
    *("frame", "frame_sha256", "crop", "crop_sha256"),
)
RECEIPT = ("id", "sensor_id", "event_id", "content_sha256", "captured_at", "position")
PLATE = ("plate", "key", "key_reversed")
ROLLUP = (
    *("span", "kind", "starts_at", "camera", "zone", "vehicle_type"),
    *("events", "confidence_sum", "plates"),
)
PLATE_COUNT = ("starts_on", "plate", "events")
BLOCK = 2000

Row = Sequence[str | int | float | bytes | None]


def _text(row: Row) -> str:
    """One line of COPY; nothing made here holds a tab, a line end or a backslash."""
    return "\t".join(
        [
            "\\N"
            if value is None
            else f"\\\\x{value.hex()}"
            if type(value) is bytes
            else str(value)
            for value in row
        ]
    )


def write(table: str, columns: Sequence[str], rows: Iterable[Row], options: str = "") -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN {options}"
            left = iter(rows)
            with cursor.copy(statement) as copy:
                while block := list(islice(left, BLOCK)):
                    copy.write("\n".join(map(_text, block)) + "\n")
            return
        places = ", ".join(["%s"] * len(columns))
        cursor.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})",  # noqa: S608
            list(rows),
        )


@contextmanager
def month_table(month: partitions.Month) -> Iterator[tuple[str, bool]]:
    """Give the table that the month's events go into, and whether it is a new one.

    A month that has no partition yet is written apart: its indexes are built from all rows at once,
    which takes a fraction of the time. Must run inside a transaction.
    """
    if not partitions.is_partitioned() or month in partitions.months():
        yield PlateEvent._meta.db_table, False
        return
    partitions.create_apart(month)
    yield (
        month.table,
        not PlateEvent.objects.filter(
            captured_at__gte=month.start, captured_at__lt=month.end
        ).exists(),
    )
    partitions.attach(month)


@contextmanager
def no_time_limit() -> Iterator[None]:
    """A month takes longer than any request may."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        yield
        cursor.execute("RESET statement_timeout")


def new_ids(count: int) -> list[int]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
                [EventReceipt._meta.db_table, count],
            )
            return [pk for (pk,) in cursor.fetchall()]
        cursor.execute(
            "SELECT seq FROM sqlite_sequence WHERE name = %s", [EventReceipt._meta.db_table]
        )
        last = (cursor.fetchone() or (0,))[0]
    return list(range(last + 1, last + 1 + count))


def write_rollups(rows: Iterable[Rollup]) -> None:
    """Add rows of which there are none yet."""
    values = ([getattr(row, name) for name in ROLLUP] for row in rows)
    write(Rollup._meta.db_table, ROLLUP, values)


def write_plate_counts(model: type[PlateCount], counts: Counts) -> None:
    """Add counts of spans of which there are none yet."""
    rows = ((day.isoformat(), plate, number) for (day, plate), number in sorted(counts.items()))
    write(model._meta.db_table, PLATE_COUNT, rows)


def write_plates(plates: Iterable[str]) -> None:
    """Add distinct plates to those that are known."""
    table = KnownPlate._meta.db_table
    keys = ((plate, look_alike_key(plate)) for plate in plates)
    rows = [(plate, key, key[::-1]) for plate, key in keys]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE new_plate AS SELECT * FROM {table} WHERE false")  # noqa: S608
        write("new_plate", PLATE, rows)
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(PLATE)}) SELECT {', '.join(PLATE)} "  # noqa: S608
            "FROM new_plate WHERE true ON CONFLICT DO NOTHING"
        )
        cursor.execute("DROP TABLE new_plate")


def analyze() -> None:
    """Tell the planner what is in the tables now; what VACUUM does too need not wait for it."""
    if connection.vendor != "postgresql":
        return
    models = (PlateEvent, EventReceipt, KnownPlate, Rollup, DayPlate, MonthPlate)
    tables = ", ".join(model._meta.db_table for model in models)
    statement = "ANALYZE" if connection.in_atomic_block else "VACUUM (ANALYZE)"
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} {tables}")
