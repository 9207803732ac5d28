"""Keeps the counts behind the statistics, and the list of known plates, as events come and go.

Both functions change rows that they read before: the caller holds the stream head's lock.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from events.models import EventReceipt, KnownPlate, PlateEvent, Rollup
from events.plate_counts import count_plates
from events.plates import look_alike_key
from events.spans import day_of, hour_of, month_of
from events.statistics.sketches import with_plates

NONE = 0
# Rows of one statement.
CHUNK = 5000


class Combination(NamedTuple):
    hour: datetime
    camera: int
    zone: int
    vehicle_type: str


class Key(NamedTuple):
    span: str
    kind: str
    starts_at: datetime
    camera: int = NONE
    zone: int = NONE
    vehicle_type: str = ""


@dataclass
class Change:
    """What a batch of events adds to one row."""

    events: int = 0
    confidence_sum: float = 0.0
    plates: set[str] = field(default_factory=set)

    def add(self, other: Change) -> None:
        self.events += other.events
        self.confidence_sum += other.confidence_sum
        self.plates |= other.plates


START_OF = {Rollup.Span.HOUR: hour_of, Rollup.Span.DAY: day_of, Rollup.Span.MONTH: month_of}
SPANS = tuple(Rollup.Span)


def _keys(seen: Combination, spans: Sequence[Rollup.Span]) -> Iterator[Key]:
    """Yield the rows that an event of this hour, camera, zone and type counts in."""
    kind = Rollup.Kind
    for span in spans:
        start = START_OF[span](seen.hour)
        yield Key(span, kind.ALL, start)
        yield Key(span, kind.CAMERA, start, camera=seen.camera)
        yield Key(span, kind.ZONE, start, zone=seen.zone)
        yield Key(span, kind.VEHICLE_TYPE, start, vehicle_type=seen.vehicle_type)
        yield Key(span, kind.COMBINATION, start, *seen[1:])


def _by_combination(events: Iterable[PlateEvent]) -> dict[Combination, Change]:
    """Return what the events add; a batch has a thousand of them, but few combinations."""
    combinations: dict[Combination, Change] = defaultdict(Change)
    for event in events:
        change = combinations[
            Combination(
                hour_of(event.captured_at),
                event.camera_id or NONE,
                event.zone_id or NONE,
                event.vehicle_type,
            )
        ]
        change.events += 1
        change.confidence_sum += event.confidence
        change.plates.add(event.plate_normalized)
    return combinations


def _by_day(events: Iterable[PlateEvent]) -> Counter[tuple[date, str]]:
    return Counter((day_of(event.captured_at).date(), event.plate_normalized) for event in events)


def _by_key(
    combinations: Mapping[Combination, Change], spans: Sequence[Rollup.Span] = SPANS
) -> dict[Key, Change]:
    changes: dict[Key, Change] = defaultdict(Change)
    for combination, change in combinations.items():
        for key in _keys(combination, spans):
            changes[key].add(change)
    return changes


def _ids(keys: Iterable[Key]) -> dict[int, Key]:
    """Return the rows that those keys have."""
    wanted = set(keys)
    # All combinations, without their sketches: no database takes a long list of whole keys well.
    combinations = Rollup.objects.filter(
        span__in={key.span for key in wanted},
        # Named, for the index begins with span, kind and start.
        kind__in={key.kind for key in wanted},
        starts_at__in={key.starts_at for key in wanted},
        camera__in={key.camera for key in wanted},
        zone__in={key.zone for key in wanted},
        vehicle_type__in={key.vehicle_type for key in wanted},
    ).values_list("id", *Key._fields)
    return {pk: Key(*parts) for pk, *parts in combinations.iterator() if Key(*parts) in wanted}


def _existing(keys: Iterable[Key]) -> dict[Key, tuple[int, bytes]]:
    """Return the ids and sketches of the rows that there are."""
    ids = _ids(keys)
    rows = Rollup.objects.filter(pk__among=list(ids)).values_list("id", "plates")
    return {ids[pk]: (pk, bytes(plates)) for pk, plates in rows}


def _change(rows: Sequence[tuple[int, int, float, bytes]]) -> None:
    """Add to rows, by id, events and confidence; an empty sketch leaves theirs as it is.

    The sketches are most of a row, and soon hardly change.
    """
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        places = ", ".join(["(%s, %s, %s, %s)"] * len(part))
        with connection.cursor() as cursor:
            cursor.execute(
                f"WITH given(id, events, confidence, plates) AS (VALUES {places}) "  # noqa: S608 - placeholders only
                "UPDATE events_rollup SET events = events_rollup.events + given.events, "
                "confidence_sum = events_rollup.confidence_sum + given.confidence, "
                "plates = CASE WHEN length(given.plates) = 0 THEN events_rollup.plates "
                "ELSE given.plates END "
                "FROM given WHERE events_rollup.id = given.id",
                [value for row in part for value in row],
            )


def remember_plates(plates: Iterable[str]) -> None:
    """Add those that are not known yet."""
    # In order: two writers of the same plates do not wait for each other in a circle.
    keys = [(plate, look_alike_key(plate)) for plate in sorted(plates)]
    KnownPlate.objects.bulk_create(
        [KnownPlate(plate=plate, key=key, key_reversed=key[::-1]) for plate, key in keys],
        ignore_conflicts=True,
    )


def _row(key: Key, change: Change) -> Rollup:
    return Rollup(
        **key._asdict(),
        events=change.events,
        confidence_sum=change.confidence_sum,
        plates=with_plates(b"", change.plates),
    )


def counted(
    combinations: Mapping[Combination, Change], spans: Sequence[Rollup.Span] = SPANS
) -> list[Rollup]:
    """Return the rows of spans that had none."""
    return [_row(*item) for item in _by_key(combinations, spans).items()]


def add_counts(combinations: Mapping[Combination, Change]) -> None:
    changes = _by_key(combinations)
    existing = _existing(changes)
    changed = []
    for key, (pk, before) in existing.items():
        change = changes.pop(key)
        plates = with_plates(before, change.plates)
        sketch = b"" if plates == before else plates
        changed.append((pk, change.events, change.confidence_sum, sketch))
    _change(changed)
    Rollup.objects.bulk_create(_row(*item) for item in changes.items())


def add_events(events: Sequence[PlateEvent]) -> None:
    """Count events that just got their position."""
    add_counts(_by_combination(events))
    count_plates(_by_day(events))
    remember_plates({event.plate_normalized for event in events})


def _subtract(changes: Mapping[Key, Change]) -> None:
    ids = _ids(changes)
    # A sketch cannot forget. Its plates go when the row's last event goes.
    _change(
        [(pk, -changes[key].events, -changes[key].confidence_sum, b"") for pk, key in ids.items()]
    )
    Rollup.objects.filter(pk__in=ids, events__lte=0).delete()


def forget_plates(plates: Collection[str], gone: Q) -> None:
    """Forget those that no event has but such as are going."""
    elsewhere = PlateEvent.objects.filter(plate_normalized=OuterRef("plate")).exclude(gone)
    KnownPlate.objects.filter(~Exists(elsewhere), plate__in=plates).delete()


def remove_events(events: Sequence[PlateEvent]) -> None:
    """Undo add_events() for events that are being deleted, in the same transaction.

    Events without position were never counted, and are passed over.
    """
    waiting = set(
        EventReceipt.objects.waiting()
        .filter(pk__in=[event.pk for event in events])
        .values_list("pk", flat=True)
    )
    counted = [event for event in events if event.pk not in waiting]
    _subtract(_by_key(_by_combination(counted)))
    count_plates(_by_day(counted), sign=-1)
    forget_plates(
        {event.plate_normalized for event in counted}, gone=Q(pk__in=[e.pk for e in counted])
    )
