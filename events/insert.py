"""INSERT of one event with its receipt, in one round trip, that tells a repeat without an error.

The ORM can either ignore a conflict or return the id, not both; and its save() builds the
statement anew for each event.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import connection, models, transaction

from events.models import EventReceipt, PlateEvent

Fields = list[models.Field[object, object]]


@cache
def _fields(model: type[models.Model]) -> Fields:
    return [field for field in model._meta.concrete_fields if not field.primary_key]


def _names(fields: Fields) -> str:
    return ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)


def _places(fields: Fields) -> str:
    return ", ".join(["%s"] * len(fields))


@cache
def _insert_receipt() -> str:
    fields = _fields(EventReceipt)
    return (
        f"INSERT INTO {EventReceipt._meta.db_table} ({_names(fields)}) VALUES ({_places(fields)}) "  # noqa: S608
        "ON CONFLICT (sensor_id, event_id) DO NOTHING RETURNING id"
    )


@cache
def _insert_event() -> str:
    fields = _fields(PlateEvent)
    return f"INSERT INTO {PlateEvent._meta.db_table} (id, {_names(fields)}) "


@cache
def _insert_both() -> str:
    return (
        f"WITH receipt AS ({_insert_receipt()}) {_insert_event()}"  # noqa: S608
        f"SELECT receipt.id, {_places(_fields(PlateEvent))} FROM receipt RETURNING id"
    )


@cache
def _converted(model: type[models.Model]) -> Fields:
    """The fields whose values psycopg does not take as they are.

    To ask each of thirty fields for each event was a tenth of ingest's time.
    """
    return [field for field in _fields(model) if isinstance(field, models.JSONField)]


def _as_they_are(row: models.Model) -> list[Any]:
    converted = {
        field.attname: field.get_db_prep_save(getattr(row, field.attname), connection)
        for field in _converted(type(row))
    }
    values = row.__dict__ | converted
    return [values[field.attname] for field in _fields(type(row))]


def _values(row: models.Model) -> list[Any]:
    return [
        field.get_db_prep_save(getattr(row, field.attname), connection)
        for field in _fields(type(row))
    ]


def _in_one_statement(event: PlateEvent) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(_insert_both(), _as_they_are(event.receipt) + _as_they_are(event))
        row = cursor.fetchone()
    return row and int(row[0])


def _in_two_statements(event: PlateEvent) -> int | None:
    """For SQLite, where a WITH cannot insert; nothing is far away there."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_insert_receipt(), _values(event.receipt))
        row = cursor.fetchone()
        if row is None:
            return None
        places = _places(_fields(PlateEvent))
        cursor.execute(f"{_insert_event()}VALUES (%s, {places})", [row[0], *_values(event)])
    return int(row[0])


def insert_event(event: PlateEvent) -> bool:
    """Insert the event with its new receipt and set the id of both.

    False when its sensor has stored this event_id before.
    """
    insert = _in_one_statement if connection.vendor == "postgresql" else _in_two_statements
    pk = insert(event)
    if pk is None:
        return False
    event.pk = event.receipt.pk = pk
    event._state.adding = event.receipt._state.adding = False
    return True
