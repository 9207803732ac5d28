"""Negative controls: each damages one thing, and exactly one check has to see it.

Rows are damaged in a transaction that is rolled back, files are put back, and what streams and
sinks got is damaged in a copy.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ledger.arrivals import Arrival
from ledger.checks import CHECKS, SINKS, examine, red
from ledger.evidence import Evidence, deliveries, receipts, stored_files, stored_rows

# In the past: before anything was broken.
QUIET = -1e6
# An id that no event has.
FAR = 2**40
Damage = Callable[[Evidence, Path], AbstractContextManager[Evidence]]


def _plain(found: Evidence) -> Any:
    """A stored, acknowledged event without pictures, which no other check looks at."""
    acknowledged = {entry.key for entry in found.entries if entry.outcome == "ok"}
    return next(row for row in found.rows if not row.frame and row.key in acknowledged)


def in_rows(change: Callable[[Any], object]) -> Damage:
    @contextmanager
    def damage(found: Evidence, uploads: Path) -> Iterator[Evidence]:
        from django.db import transaction

        with transaction.atomic():
            change(_plain(found))
            pending, dead = deliveries()
            damaged = replace(found, rows=stored_rows(), receipts=receipts())
            yield replace(damaged, pending=pending, dead=dead)
            transaction.set_rollback(True)

    return damage


def in_files(change: Callable[[Path], object], *, restore: bool = True) -> Damage:
    @contextmanager
    def damage(found: Evidence, uploads: Path) -> Iterator[Evidence]:
        file = uploads / next(row.frame for row in found.rows if row.frame)
        content = file.read_bytes()
        added = change(file)
        yield replace(found, files=stored_files(uploads))
        if isinstance(added, Path):
            added.unlink()
        file.write_bytes(content)

    return damage


def _copied(found: Evidence) -> Evidence:
    """Copy what the controls below change, and share the rest: there may be millions of messages."""
    story = _long_story(found)
    longer = replace(story, positions=[*story.positions], event_ids=[*story.event_ids])
    return replace(
        found,
        entries=[copy.copy(entry) for entry in found.entries],
        stories=[longer if other is story else other for other in found.stories],
        arrivals={sink: [copy.copy(came[0]), *came[1:]] for sink, came in found.arrivals.items()},
    )


def in_copy(change: Callable[[Evidence], object]) -> Damage:
    @contextmanager
    def damage(found: Evidence, uploads: Path) -> Iterator[Evidence]:
        copied = _copied(found)
        change(copied)
        yield copied

    return damage


def _without_constraints() -> None:
    """Drop what would refuse a doubled event; the transaction gives it back."""
    from django.db import connection

    from events.models import EventReceipt

    table = EventReceipt._meta.db_table
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, table)
        for name, constraint in constraints.items():
            if constraint["unique"] and not constraint["primary_key"]:
                cursor.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{name}"')
                # What holds for some rows only is an index and no constraint.
                cursor.execute(f'DROP INDEX IF EXISTS "{name}"')


def _both(plain: Any) -> list[Any]:
    """The event and its receipt."""
    from events.models import EventReceipt, PlateEvent

    return [model.objects.filter(pk=plain.id) for model in (PlateEvent, EventReceipt)]


def _delete(plain: Any) -> None:
    from exporters.models import Delivery

    Delivery.objects.filter(event=plain.id).delete()
    for rows in _both(plain):
        rows.delete()


def _tear_apart(plain: Any) -> None:
    _both(plain)[1].update(event_id=uuid.uuid4())


def _double(plain: Any, **changes: Any) -> None:
    _without_constraints()
    for rows in _both(plain):
        row = rows.get()
        row.pk = FAR
        for name, value in changes.items():
            setattr(row, name, value)
        row.save(force_insert=True)


def _double_as_new(plain: Any) -> None:
    _double(plain, event_id=uuid.uuid4())


def _move(plain: Any) -> None:
    for rows in _both(plain):
        rows.update(id=FAR)


def _hide(plain: Any) -> None:
    _both(plain)[1].update(position=None)


def _pend(plain: Any) -> None:
    from exporters.models import Delivery

    Delivery.objects.filter(event=plain.id).update(state=Delivery.State.PENDING)


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(content)


def _leave_orphan(file: Path) -> Path:
    orphan = file.with_name(f".{uuid.uuid4().hex}-frame.png.part")
    orphan.write_bytes(b"half a picture")
    return orphan


def _acknowledged(found: Evidence) -> Any:
    return next(entry for entry in found.entries if entry.outcome == "ok")


def _refuse(found: Evidence) -> None:
    entry = _acknowledged(found)
    entry.outcome, entry.status = "refused", 400


def _take_conflict(found: Evidence) -> None:
    _acknowledged(found).conflict = 200


def _long_story(found: Evidence) -> Any:
    return next(story for story in found.stories if len(story.positions) > 10)


def _make_hole(found: Evidence) -> None:
    story = _long_story(found)
    del story.positions[5], story.event_ids[5]


def _swap(found: Evidence) -> None:
    positions = _long_story(found).positions
    positions[5], positions[6] = positions[6], positions[5]


def _smuggle(found: Evidence) -> None:
    _long_story(found).event_ids[5] = str(uuid.uuid4())


def _lose_at(sink: str) -> Callable[[Evidence], None]:
    def change(found: Evidence) -> None:
        victim = found.arrivals[sink][0].event_id
        found.arrivals[sink] = [a for a in found.arrivals[sink] if a.event_id != victim]

    return change


def _invent_arrival(found: Evidence) -> None:
    found.arrivals["mqtt"].append(Arrival(QUIET, str(uuid.uuid4())))


def _rename_message(found: Evidence) -> None:
    first = found.arrivals["webhook"][0]
    # Unanswered: as a repeat it is explained.
    first.answered = False
    found.arrivals["webhook"].insert(1, replace(first, message_id="evt_other"))


def _repeat(found: Evidence) -> None:
    first = replace(found.arrivals["kafka"][0], at=QUIET)
    found.arrivals["kafka"][:0] = [first, replace(first)]
    # The true one would be a second repeat, explained or not.
    del found.arrivals["kafka"][2]


CONTROLS: dict[str, Damage] = {
    "acknowledged but missing": in_rows(_delete),
    "acknowledged under another id": in_rows(_move),
    "stored twice": in_rows(_double),
    "stored but never sent": in_rows(_double_as_new),
    "same id, other content accepted": in_copy(_take_conflict),
    "valid event refused or failed": in_copy(_refuse),
    "picture differs from what was sent": in_files(_flip),
    "row without its file": in_files(Path.unlink),
    "file without row after the sweep": in_files(_leave_orphan),
    "event and receipt apart": in_rows(_tear_apart),
    "never made visible": in_rows(_hide),
    "hole in a stream": in_copy(_make_hole),
    "inversion or repeat in a stream": in_copy(_swap),
    "foreign event in a stream": in_copy(_smuggle),
    **{f"missing at {sink}": in_copy(_lose_at(sink)) for sink in SINKS},
    "foreign event at a sink": in_copy(_invent_arrival),
    "repeat with another message id": in_copy(_rename_message),
    "repeat that nothing explains": in_copy(_repeat),
    "delivery not settled": in_rows(_pend),
}


def control(found: Evidence, uploads: Path) -> dict[str, str]:
    """Damage one thing after the other; return for each check what its control turned red."""
    before = red(examine(found))
    said = {}
    for name in CHECKS:
        with CONTROLS[name](found, uploads) as damaged:
            turned = red(examine(damaged)) - before
        said[name] = "red" if turned == {name} else f"WRONG: {', '.join(sorted(turned)) or 'green'}"
    return said
