"""INSERT of one event that tells a repeat without an error: ON CONFLICT DO NOTHING RETURNING id.

The ORM can either ignore a conflict or return the id, not both; and its save() builds the
statement anew for each event.
"""

from __future__ import annotations

from functools import cache

from django.db import connection, models

from events.models import PlateEvent


@cache
def _fields() -> list[models.Field[object, object]]:
    return [field for field in PlateEvent._meta.concrete_fields if not field.primary_key]


@cache
def _statement() -> str:
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in _fields())
    places = ", ".join(["%s"] * len(_fields()))
    return (
        f"INSERT INTO {quote(PlateEvent._meta.db_table)} ({columns}) VALUES ({places}) "  # noqa: S608
        "ON CONFLICT (sensor_id, event_id) DO NOTHING RETURNING id"
    )


def insert_event(event: PlateEvent) -> bool:
    """Insert the event and set its id; False when its sensor has stored this event_id before."""
    values = [
        field.get_db_prep_save(getattr(event, field.attname), connection) for field in _fields()
    ]
    with connection.cursor() as cursor:
        cursor.execute(_statement(), values)
        row = cursor.fetchone()
    if row is None:
        return False
    event.pk = row[0]
    event._state.adding = False
    return True
