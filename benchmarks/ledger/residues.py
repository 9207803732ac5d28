"""Looks for what should be gone: plates in every text of the database, rows without event, counts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

# Real tables, a month each: also one that is no longer part of the whole.
COLUMNS = """
    SELECT c.relname, a.attname FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN information_schema.columns i ON i.table_name = c.relname AND i.column_name = a.attname
    WHERE c.relkind = 'r' AND i.table_schema = 'public' AND a.attnum > 0
    AND i.data_type IN ('character varying', 'text', 'character', 'json', 'jsonb', 'bytea')
    ORDER BY 1, 2
"""
# What may be a plate as somebody wrote it: not across what separates words of a message or a path.
WORDS = re.compile(r"[\w .·-]+")
MOST_WORDS = 3
# The look-alike key of another plate may be this one; the recount compares them with the plates.
DERIVED = {("events_knownplate", "key"), ("events_knownplate", "key_reversed")}
SPANS = ("hour", "day", "month")


def _plates_in(text: str, known: frozenset[str]) -> Iterator[str]:
    from events.plates import normalize

    for part in WORDS.findall(text):
        whole = normalize(part)
        yield whole
        if whole in known:
            continue  # "B TM 9594" is no trace of TM9594
        # A plate may be written as several words, among others.
        words = part.split()
        for first in range(len(words)):
            for number in range(1, MOST_WORDS + 1):
                yield normalize("".join(words[first : first + number]))


def _found(texts: Iterator[str], plates: frozenset[str], known: frozenset[str]) -> Iterator[str]:
    for text in texts:
        for plate in plates.intersection(_plates_in(text, known)):
            yield f"{plate} in {text[:60]!r}"


def residues(plates: Collection[str], logs: Collection[Path]) -> list[str]:
    """Return where one of the plates stands: in any column of any table, or in a log."""
    from django.db import connection

    from events.models import KnownPlate

    wanted, found = frozenset(plates), list[str]()
    known = frozenset(KnownPlate.objects.values_list("plate", flat=True)) - wanted
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(COLUMNS)
        for table, column in set(cursor.fetchall()) - DERIVED:
            cursor.execute(f'SELECT DISTINCT "{column}" FROM "{table}"')  # noqa: S608
            texts = (_text(value) for (value,) in cursor.fetchall() if value is not None)
            found += [f"{table}.{column}: {what}" for what in _found(texts, wanted, known)]
    for log in logs:
        with log.open(errors="replace") as lines:
            found += [f"{log.name}: {what}" for what in _found(lines, wanted, known)]
    return found


def _text(value: Any) -> str:
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).decode("latin-1")
    return str(value)


def rows_without_event() -> list[str]:
    """Return rows that belong to an event which is gone; a receipt may, if it is emptied."""
    from events.models import ERASED, EventReceipt, PlateEvent, TpmsReading
    from exporters.models import Delivery, DeliveryAttempt

    events = set(PlateEvent.objects.order_by().values_list("pk", flat=True))
    deliveries = dict(Delivery.objects.order_by().values_list("pk", "event"))
    receipts = EventReceipt.objects.exclude(content_sha256=ERASED).order_by()
    tyres = TpmsReading.objects.order_by()
    attempts = DeliveryAttempt.objects.order_by()
    found = [f"delivery of {event}" for event in set(deliveries.values()) - events]
    found += [f"receipt {pk}" for pk in set(receipts.values_list("pk", flat=True)) - events]
    found += [f"tyre of {pk}" for pk in set(tyres.values_list("event", flat=True)) - events]
    tried = set(attempts.values_list("delivery", flat=True))
    return found + [f"attempt of delivery {pk}" for pk in tried - deliveries.keys()]


def miscounted() -> list[str]:
    """Return each count behind the statistics that is not what counting the events gives."""
    from django.db import connection

    from events.models import DayPlate, KnownPlate, MonthPlate, Rollup

    wrong = []
    for span in SPANS:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT date_trunc(%s, captured_at AT TIME ZONE 'UTC'), coalesce(camera_id, 0), "
                "coalesce(zone_id, 0), vehicle_type, count(*) FROM events_plateevent "
                "GROUP BY 1, 2, 3, 4",
                [span],
            )
            counted = cursor.fetchall()
        for kind, key in KINDS.items():
            real = Counter[Any]()
            for start, camera, zone, vehicle, number in counted:
                real[(start, *key(camera, zone, vehicle))] += number
            rows = Rollup.objects.filter(span=span, kind=kind).order_by()
            fields = ("starts_at", "camera", "zone", "vehicle_type", "events")
            kept = {
                (start.replace(tzinfo=None), *rest): number
                for start, *rest, number in rows.values_list(*fields)
            }
            wrong += _differences(f"{span} by {kind}", kept, real)
    for model, span in ((DayPlate, "day"), (MonthPlate, "month")):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT date_trunc(%s, captured_at AT TIME ZONE 'UTC')::date, plate_normalized, "
                "count(*) FROM events_plateevent GROUP BY 1, 2",
                [span],
            )
            real = Counter({(start, plate): number for start, plate, number in cursor.fetchall()})
        counts = model.objects.values_list("starts_on", "plate", "events")
        wrong += _differences(
            f"plates by {span}", {(start, plate): number for start, plate, number in counts}, real
        )
        seen = {plate for _, plate in real}
    known = set(KnownPlate.objects.values_list("plate", flat=True))
    return wrong + [f"known plate {plate}" for plate in known ^ seen]


KINDS: dict[str, Any] = {
    "all": lambda camera, zone, vehicle: (0, 0, ""),
    "camera": lambda camera, zone, vehicle: (camera, 0, ""),
    "zone": lambda camera, zone, vehicle: (0, zone, ""),
    "vehicle_type": lambda camera, zone, vehicle: (0, 0, vehicle),
    "combination": lambda camera, zone, vehicle: (camera, zone, vehicle),
}


def _differences(what: str, kept: dict[Any, int], real: Counter[Any]) -> list[str]:
    return [
        f"{what}: {key} is {kept.get(key, 0)}, not {real[key]}"
        for key in kept.keys() | real.keys()
        if kept.get(key, 0) != real[key]
    ]
