"""INSERT of events with their receipts, in one round trip, that tells a repeat without an error.

The ORM can either ignore a conflict or return the id, not both; and its save() builds the
statement anew for each event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import msgspec
from django.db import DataError, IntegrityError, connection, models, transaction

from anpr_project.lib.postgresql.lasting import LastingConnection
from events.ingest.group_commit import GroupCommit
from events.models import EventReceipt, PlateEvent, TpmsReading

if TYPE_CHECKING:
    from anpr_project.lib.postgresql.base import DatabaseWrapper

Fields = list[models.Field[object, object]]
EVENTS, RECEIPTS = PlateEvent._meta.db_table, EventReceipt._meta.db_table
KEY = "sensor_id, event_id"


@dataclass
class NewEvent:
    """An event with its receipt and its tyres, on its way into the database."""

    event: PlateEvent
    tyres: Sequence[TpmsReading] = ()
    # Whether this has stored it; else its sensor had stored this event_id before.
    is_stored: bool = field(default=False, init=False)

    @property
    def key(self) -> tuple[int, Any]:
        return self.event.sensor_id, self.event.event_id

    def stored_as(self, pk: int) -> None:
        self.is_stored = True
        self.event.pk = self.event.receipt.pk = pk
        self.event._state.adding = self.event.receipt._state.adding = False
        for tyre in self.tyres:
            tyre.event = self.event


@cache
def _fields(model: type[models.Model]) -> Fields:
    return [field for field in model._meta.concrete_fields if not field.primary_key]


@cache
def _columns(model: type[models.Model]) -> list[str]:
    return [str(field.column) for field in _fields(model)]


@cache
def _insert_many() -> str:
    """The statement for any number of events, whose one parameter is a JSON array of them.

    One text for all, so that PostgreSQL plans it once for each connection; and a parameter that is
    cheap to make: to quote thirty values for each event took as long as to write its files.
    """
    receipt, event = _columns(EventReceipt), _columns(PlateEvent)
    fields = _fields(EventReceipt) + _fields(PlateEvent)
    types = {str(field.column): field.db_type(connection) for field in fields}
    given = ", ".join(f"{name} {kind}" for name, kind in types.items())
    return (
        f"WITH given AS (SELECT * FROM json_to_recordset(%s::json) AS given({given})), "  # noqa: S608
        f"receipt AS (INSERT INTO {RECEIPTS} ({', '.join(receipt)}) "
        f"SELECT {', '.join(receipt)} FROM given "
        f"ON CONFLICT ({KEY}) DO NOTHING RETURNING id, {KEY}) "
        f"INSERT INTO {EVENTS} (id, {', '.join(event)}) "
        f"SELECT receipt.id, {', '.join(f'given.{name}' for name in event)} "
        f"FROM given JOIN receipt USING ({KEY}) RETURNING {KEY}, id"
    )


def _row(event: PlateEvent) -> dict[str, Any]:
    values = event.receipt.__dict__ | event.__dict__
    row = {name: values[name] for name in (*_columns(EventReceipt), *_columns(PlateEvent))}
    row["content_sha256"] = rf"\x{event.receipt.content_sha256.hex()}"
    return row


def _in_one_statement(new: Sequence[NewEvent], on: DatabaseWrapper) -> None:
    rows = msgspec.json.encode([_row(item.event) for item in new]).decode()
    with on.prepared_cursor() as cursor:
        cursor.execute(_insert_many(), [rows])
        stored = {(sensor, event_id): pk for sensor, event_id, pk in cursor.fetchall()}
    for item in new:
        if item.key in stored:
            item.stored_as(stored[item.key])


def _insert(row: models.Model, rest: str) -> int | None:
    """Insert a row, with its id if it has one; return the id."""
    fields = [*_fields(type(row)), *([row._meta.pk] if row.pk else [])]
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    columns, places = ", ".join(str(f.column) for f in fields), ", ".join("%s" for _ in fields)
    statement = f"INSERT INTO {row._meta.db_table} ({columns}) VALUES ({places}) {rest}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found = cursor.fetchone()
    return found and int(found[0])


def _one_by_one(new: Sequence[NewEvent]) -> None:
    """For SQLite, where a WITH cannot insert; nothing is far away there."""
    for item in new:
        pk = _insert(item.event.receipt, f"ON CONFLICT ({KEY}) DO NOTHING RETURNING id")
        if pk is not None:
            item.event.pk = pk
            _insert(item.event, "RETURNING id")
            item.stored_as(pk)


# Of the one thread at a time that leads a group.
leaders_connection = LastingConnection()


def _commit(new: Sequence[NewEvent]) -> None:
    has_tyres = any(item.tyres for item in new)
    if connection.vendor == "postgresql" and not has_tyres:
        # A single INSERT commits by itself: no BEGIN and COMMIT round trips.
        on = connection if connection.in_atomic_block else leaders_connection()
        _in_one_statement(new, cast("DatabaseWrapper", on))
        return
    with transaction.atomic():
        if connection.vendor == "postgresql":
            _in_one_statement(new, cast("DatabaseWrapper", connection))
        else:
            _one_by_one(new)
        stored = (item for item in new if item.is_stored)
        TpmsReading.objects.bulk_create([tyre for item in stored for tyre in item.tyres])


def _committed_alone(item: NewEvent) -> Exception | None:
    try:
        _commit([item])
    except Exception as error:
        return error
    return None


def _commit_together(new: Sequence[NewEvent]) -> list[Exception | None]:
    """Commit events of any sensors; return the error of each, or None.

    In the order of their keys: two processes with the same events do not wait for each other in a
    circle. Of two with the same key one is stored.
    """
    by_key = {item.key: item for item in reversed(new)}
    try:
        _commit([by_key[key] for key in sorted(by_key)])
    except (IntegrityError, DataError) as error:
        # Nothing is committed, because of one of them.
        return [error] if len(new) == 1 else [_committed_alone(item) for item in new]
    return [None] * len(new)


with_others = GroupCommit(_commit_together)


def insert_event(event: PlateEvent, tyres: Sequence[TpmsReading] = ()) -> bool:
    """Commit the event with its new receipt and its tyres, and set their ids.

    False when its sensor has stored this event_id before.
    """
    item = NewEvent(event, tyres)
    if connection.in_atomic_block:
        # What others have sent is not to depend on how this transaction ends.
        _commit([item])
    else:
        with_others(item)
    return item.is_stored
