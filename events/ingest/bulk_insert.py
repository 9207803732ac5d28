"""Many events of one sensor with their receipts, in a few statements whatever their number.

Receipts first, by COPY, as if all were new. If one is not, an INSERT tells which: what conflicts is
not in its answer, so that nothing fails in a race. Both wait for a concurrent writer of the same
event. Then COPY of the events that are new. COPY takes a half of the time of an INSERT of an array,
and a quarter of that of one of many rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

import msgspec
from django.db import IntegrityError, connection, transaction

from anpr_project.lib.statements import as_array
from events.models import EventReceipt, PlateEvent

RECEIPTS = EventReceipt._meta.db_table
EVENTS = PlateEvent._meta.db_table
_names = [field.attname for field in PlateEvent._meta.concrete_fields]
_values = itemgetter(*_names)

# The sequence's name is looked up once, not for each id.
NEW_IDS = f"""
    SELECT nextval(ids.name) FROM
        (SELECT pg_get_serial_sequence('{RECEIPTS}', 'id')::regclass AS name OFFSET 0) AS ids,
        generate_series(1, %s)
    WHERE NOT EXISTS (
        SELECT 1 FROM {RECEIPTS} WHERE sensor_id = %s AND event_id = ANY(%s::uuid[])
    )
"""  # noqa: S608 - our names
COPY_RECEIPTS = f"COPY {RECEIPTS} (id, sensor_id, event_id, content_sha256, captured_at) FROM STDIN"
INSERT_UNKNOWN = f"""
    INSERT INTO {RECEIPTS} (sensor_id, event_id, content_sha256, captured_at)
    SELECT %s, event, decode(digest, 'hex'), moment
    FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[]) AS new(event, digest, moment)
    ON CONFLICT (sensor_id, event_id) DO NOTHING RETURNING event_id::text, id
"""  # noqa: S608 - our names

Row = dict[str, Any]
# An event's id as text, the digest of its content, and its row.
New = tuple[str, bytes, Row]
NO_PICTURES: Row = dict.fromkeys(("frame", "frame_sha256", "crop", "crop_sha256"), "")


def _new_ids(sensor: int, new: Sequence[New]) -> list[int]:
    """Return ids for them; none when the first or the last was stored before, so likely all."""
    with connection.cursor() as cursor:
        cursor.execute(NEW_IDS, [len(new), sensor, as_array({new[0][0], new[-1][0]})])
        return [pk for (pk,) in cursor.fetchall()]


def _copy_receipts(sensor: int, new: Sequence[New], ids: Sequence[int]) -> None:
    """Insert them; IntegrityError, and no receipt, when one of them was stored before."""
    # Numbers, hexadecimal digits and times: nothing to escape.
    data = "".join(
        f"{pk}\t{sensor}\t{key}\t\\\\x{digest.hex()}\t{row['captured_at'].isoformat()}\n"
        for pk, (key, digest, row) in zip(ids, new, strict=True)
    )
    with (
        transaction.atomic(),
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(COPY_RECEIPTS) as copy,
    ):
        copy.write(data)


def _insert_unknown_receipts(sensor: int, new: Sequence[New]) -> dict[str, int]:
    columns = (
        (key for key, _, _ in new),
        (digest.hex() for _, digest, _ in new),
        (row["captured_at"].isoformat() for _, _, row in new),
    )
    with connection.cursor() as cursor:
        cursor.execute(INSERT_UNKNOWN, [sensor, *map(as_array, columns)])
        return dict(cursor.fetchall())


def _insert_receipts_one_by_one(sensor: int, new: Sequence[New]) -> dict[str, int]:
    known = {
        str(event_id)
        for event_id in EventReceipt.objects.filter(
            sensor=sensor, event_id__in=[key for key, _, _ in new]
        ).values_list("event_id", flat=True)
    }
    receipts = EventReceipt.objects.bulk_create(
        EventReceipt(
            sensor_id=sensor,
            event_id=row["event_id"],
            content_sha256=digest,
            captured_at=row["captured_at"],
        )
        for key, digest, row in new
        if key not in known
    )
    return {str(receipt.event_id): receipt.pk for receipt in receipts}


def insert_receipts(sensor: int, new: Sequence[New]) -> dict[str, int]:
    """Insert the receipts of those that this sensor has not stored; return their ids by event_id.

    Must run inside a transaction.
    """
    if connection.vendor != "postgresql":
        return _insert_receipts_one_by_one(sensor, new)
    if ids := _new_ids(sensor, new):
        try:
            _copy_receipts(sensor, new, ids)
        except IntegrityError:
            pass  # one is not: stored in the midst of them, or by another request just now
        else:
            return {key: pk for pk, (key, _, _) in zip(ids, new, strict=True)}
    return _insert_unknown_receipts(sensor, new)


def insert_rows(rows: Iterable[Row]) -> None:
    """Insert events whose receipts have just been inserted; each row has its id."""
    if connection.vendor != "postgresql":
        PlateEvent.objects.bulk_create(PlateEvent(**row) for row in rows)
        return
    statement = f"COPY {EVENTS} ({', '.join(_names)}) FROM STDIN"
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        for row in rows:
            row["details"] = msgspec.json.encode(row["details"]).decode()
            copy.write_row(_values(row))
