"""INSERT of events with their receipts, in one round trip, that tells a repeat without an error.

The ORM can either ignore a conflict or return the id, not both; and its save() builds the
statement anew for each event.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import msgspec
from django.db import DataError, IntegrityError, connection, models, transaction

from anpr_project.lib.postgresql.lasting import LastingConnection
from events.ingest.group_commit import GroupCommit
from events.models import EventReceipt, PlateEvent, TpmsReading
from events.readings import Tyre

if TYPE_CHECKING:
    from anpr_project.lib.postgresql.base import DatabaseWrapper

Fields = list[models.Field[object, object]]
EVENTS, RECEIPTS = PlateEvent._meta.db_table, EventReceipt._meta.db_table
KEY = "sensor_id, event_id"
SHA256 = "decode(content_sha256, 'base64')"


class NewEvent(msgspec.Struct, kw_only=True):
    """An event and its receipt on their way into the database, by the names of their columns.

    No instances of the models: to make both took longer than to write the event's files.
    """

    sensor_id: int
    event_id: UUID
    content_sha256: bytes
    captured_at: datetime
    received_at: datetime
    camera_id: int | None
    zone_id: int | None
    plate: str
    plate_normalized: str
    confidence: float
    region: str
    vehicle_type: str
    vehicle_make: str
    vehicle_color: str
    details: dict[str, Any]
    frame: str = ""
    frame_sha256: str = ""
    crop: str = ""
    crop_sha256: str = ""
    # Rows of their own.
    tyres: tuple[Tyre, ...] = ()
    # Its id once this has stored it; else its sensor had stored this event_id before.
    pk: int | None = None

    @property
    def key(self) -> tuple[int, UUID]:
        return self.sensor_id, self.event_id

    def tyre_rows(self) -> list[TpmsReading]:
        """Return the unsaved rows of its tyres; none for what this has not stored."""
        pk = self.pk
        return [] if pk is None else [tyre_row(tyre, pk, self.captured_at) for tyre in self.tyres]


def tyre_row(tyre: Tyre, event: int, captured_at: datetime) -> TpmsReading:
    """Return the unsaved row of a tyre of the event with this id."""
    return TpmsReading(
        event_id=event,
        captured_at=captured_at,
        tyre_id=tyre.hex_id,
        model=tyre.model,
        pressure_kpa=tyre.pressure_kpa,
        temperature_c=tyre.temperature_c,
        battery_ok=tyre.battery_ok,
    )


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
    # As msgspec writes bytes.
    types["content_sha256"] = "text"
    selected = [SHA256 if name == "content_sha256" else name for name in receipt]
    given = ", ".join(f"{name} {kind}" for name, kind in types.items())
    return (
        f"WITH given AS (SELECT * FROM json_to_recordset(%s::json) AS given({given})), "  # noqa: S608
        f"receipt AS (INSERT INTO {RECEIPTS} ({', '.join(receipt)}) "
        f"SELECT {', '.join(selected)} FROM given "
        f"ON CONFLICT ({KEY}) DO NOTHING RETURNING id, {KEY}) "
        f"INSERT INTO {EVENTS} (id, {', '.join(event)}) "
        f"SELECT receipt.id, {', '.join(f'given.{name}' for name in event)} "
        f"FROM given JOIN receipt USING ({KEY}) RETURNING {KEY}, id"
    )


def _in_one_statement(new: Sequence[NewEvent], on: DatabaseWrapper) -> None:
    with on.prepared_cursor() as cursor:
        # What is no column is passed over there.
        cursor.execute(_insert_many(), [msgspec.json.encode(new).decode()])
        stored = {(sensor, event_id): pk for sensor, event_id, pk in cursor.fetchall()}
    for item in new:
        item.pk = stored.get(item.key)


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


def _instance(model: type[models.Model], item: NewEvent, **others: Any) -> models.Model:
    names = {field.attname for field in _fields(model)} & set(NewEvent.__struct_fields__)
    return model(**{name: getattr(item, name) for name in names}, **others)


def _one_by_one(new: Sequence[NewEvent]) -> None:
    """For SQLite, where a WITH cannot insert; nothing is far away there."""
    for item in new:
        receipt = _instance(EventReceipt, item)
        item.pk = _insert(receipt, f"ON CONFLICT ({KEY}) DO NOTHING RETURNING id")
        if item.pk is not None:
            _insert(_instance(PlateEvent, item, pk=item.pk), "RETURNING id")


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
        TpmsReading.objects.bulk_create([tyre for item in new for tyre in item.tyre_rows()])


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


def insert_event(new: NewEvent) -> bool:
    """Commit the event with its new receipt and its tyres, and set its id.

    False when its sensor has stored this event_id before.
    """
    if connection.in_atomic_block:
        # What others have sent is not to depend on how this transaction ends.
        _commit([new])
    else:
        if connection.vendor == "postgresql":
            # Who leads may have to open one first: were all of the pool held by those who wait
            # for the commit, as after a start, when each had just read its key, it would get none.
            connection.close()
        with_others(new)
    return new.pk is not None
