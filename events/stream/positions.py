"""What makes waiting events visible: their positions, and that they are counted.

On PostgreSQL in one statement for positions, known plates and the counts of plates, which returns the
few sums that the rollups need: to load a thousand events as objects took three times as long as to
store them. Elsewhere by the same steps with which deleted events are taken out again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection

from anpr_project.lib.statements import as_array
from events.models import EventReceipt, PlateEvent
from events.plates import LOOK_ALIKES
from events.statistics.rollups import Change, Combination, add_counts, add_events

# Of SQLite, which has one writer: ingest waits meanwhile.
STEP = 1000
WAITING = """
    SELECT array_agg(id), min(captured_at), max(captured_at) FROM (
        SELECT id, captured_at FROM events_eventreceipt WHERE position IS NULL ORDER BY id LIMIT %s
    ) AS waiting
"""
# Ids and times are given as values: so the planner knows how many there are and in which months.
# That the ids lie between the first and the last spares it to read the receipts of all time, which
# it holds for cheaper than to look up thousands while there are fewer than some millions.
MAKE_VISIBLE = """
    WITH waiting(id, place) AS (SELECT * FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY),
    numbered AS (
        UPDATE events_eventreceipt SET position = %(head)s + place FROM waiting
        WHERE events_eventreceipt.id = waiting.id
        AND events_eventreceipt.id BETWEEN %(first)s AND %(last)s
    ),
    seen AS MATERIALIZED (
        SELECT captured_at, camera_id, zone_id, vehicle_type, confidence, plate_normalized AS plate
        FROM events_plateevent
        WHERE id = ANY(%(ids)s::bigint[]) AND captured_at BETWEEN %(earliest)s AND %(latest)s
    ),
    by_day AS MATERIALIZED (
        SELECT (captured_at AT TIME ZONE 'UTC')::date AS day, plate, count(*) AS events
        FROM seen GROUP BY 1, 2 ORDER BY 1, 2
    ),
    day AS (
        INSERT INTO events_dayplate AS known (starts_on, plate, events) SELECT * FROM by_day
        ON CONFLICT (starts_on, plate) DO UPDATE SET events = known.events + excluded.events
    ),
    month AS (
        INSERT INTO events_monthplate AS known (starts_on, plate, events)
        SELECT date_trunc('month', day)::date, plate, sum(events) FROM by_day
        GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (starts_on, plate) DO UPDATE SET events = known.events + excluded.events
    ),
    plate AS (
        INSERT INTO events_knownplate (plate, key, key_reversed)
        SELECT plate, key, reverse(key) FROM (
            SELECT DISTINCT plate, translate(plate, %(characters)s, %(folded)s) AS key FROM by_day
        ) AS plates ORDER BY plate
        ON CONFLICT DO NOTHING
    )
    SELECT date_trunc('hour', captured_at, 'UTC'), coalesce(camera_id, 0), coalesce(zone_id, 0),
        vehicle_type, count(*), sum(confidence), array_agg(plate)
    FROM seen GROUP BY 1, 2, 3, 4
"""
FOLDING = {"characters": "".join(LOOK_ALIKES), "folded": "".join(LOOK_ALIKES.values())}

Visible = tuple[int, Iterable[PlateEvent]]


def _in_one_statement(head: int, limit: int) -> Visible:
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [limit])
        ids, earliest, latest = cursor.fetchone()
        if ids is None:
            return 0, ()
        given: dict[str, Any] = {"ids": as_array(map(str, ids)), "first": ids[0], "last": ids[-1]}
        given |= {"head": head, "earliest": earliest, "latest": latest}
        cursor.execute(MAKE_VISIBLE, given | FOLDING)
        combinations = {
            Combination(*key): Change(events, confidence, set(plates))
            for *key, events, confidence, plates in cursor.fetchall()
        }
    add_counts(combinations)
    # Asked for only if somebody wants them, as mostly nobody does.
    return len(ids), PlateEvent.objects.lying(ids, earliest, latest).order_by("id")


def _store_positions(receipts: list[EventReceipt]) -> None:
    values = ", ".join(["(%s, %s)"] * len(receipts))
    parameters = [number for receipt in receipts for number in (receipt.pk, receipt.position)]
    # One statement for all rows; bulk_update would build a CASE of a thousand branches.
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH given(id, position) AS (VALUES {values}) "  # noqa: S608 - placeholders only
            "UPDATE events_eventreceipt SET position = given.position FROM given "
            "WHERE events_eventreceipt.id = given.id",
            parameters,
        )


def _step_by_step(head: int, limit: int) -> Visible:
    receipts = list(EventReceipt.objects.waiting()[: min(limit, STEP)])
    if not receipts:
        return 0, ()
    for position, receipt in enumerate(receipts, start=head + 1):
        receipt.position = position
    _store_positions(receipts)
    events = PlateEvent.objects.of(receipts)
    add_events(events)
    return len(receipts), events


def make_visible(head: int, limit: int) -> Visible:
    """Give up to `limit` waiting events the positions after `head`; return how many, and them.

    The caller holds the stream head's lock.
    """
    make = _in_one_statement if connection.vendor == "postgresql" else _step_by_step
    return make(head, limit)
