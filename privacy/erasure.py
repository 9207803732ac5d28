"""Erases everything about plates: a batch a transaction, so that nothing waits long for it.

Each batch is written down in the transaction that deletes it. Whatever ends an erasure in the middle,
the next call goes on with what is left.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import msgspec

from anpr_project.lib.errors import Conflict
from audit.models import Action
from events.models import KnownPlate, PlateEvent, PlateEventQuerySet
from events.retention.deletion import erase_events
from events.retention.expired_pictures import delete_pictures
from events.retention.lock_pace import LockPace
from exporters.models import Delivery
from privacy.digest import plate_digest
from privacy.erasure_log import note_erasures
from privacy.kept import Recipient, events_of, holding, recipients_of

# Each touches counts of hours, days and months of its own: far more than as many events in a row.
BATCH, LEAST = 50, 20


class Writer(Protocol):
    """Writes an entry of the audit log."""

    def __call__(self, action: Action, subject: dict[str, Any], *, found: int) -> object: ...


class Held(Conflict):
    """A legal hold keeps some of it: then nothing of it is erased."""

    default_code = "held"

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        super().__init__(f"Held: {', '.join(names)}. It is not erased as long as that is in force.")


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was erased. Not complete: there was no time for the rest; ask again."""

    complete: bool
    events: int
    pictures: int
    recipients: tuple[Recipient, ...]


@dataclass
class Erasure:
    """One request to erase; `until`: only what was received before."""

    plates: Sequence[str]
    write: Writer
    until: datetime | None = None
    events: int = 0
    pictures: int = 0
    recipients: dict[int, list[Recipient]] = field(default_factory=lambda: defaultdict(list))
    pace: LockPace = field(default_factory=lambda: LockPace(BATCH, LEAST, LEAST))

    @property
    def wanted(self) -> PlateEventQuerySet:
        events = events_of(self.plates)
        return events if self.until is None else events.filter(received_at__lte=self.until)

    def subject(self, **more: Any) -> dict[str, Any]:
        """Name the plates by their digests: the log is for ever."""
        return {"plate_digest": [plate_digest(plate) for plate in self.plates]} | more

    def run(self, seconds: float | None = None) -> Report:
        """Erase until nothing is left, or no time; Held before anything is, if a hold keeps some."""
        deadline = None if seconds is None else time.monotonic() + seconds
        self._refuse_held()
        self.write(Action.ERASURE, self.subject(), found=self.wanted.count())
        self._note()
        is_complete = False
        while not is_complete and (deadline is None or time.monotonic() < deadline):
            is_complete = not self._step()
        if is_complete:
            self._note()
        return Report(
            complete=is_complete,
            events=self.events,
            pictures=self.pictures,
            recipients=tuple(_sum(parts) for _, parts in sorted(self.recipients.items())),
        )

    def _note(self) -> None:
        # What was restored keeps the time of its first erasure: what came after that is to stay.
        if self.until is None:
            note_erasures(self.plates)

    def _refuse_held(self) -> None:
        if holds := holding(self.wanted):
            raise Held([hold.name for hold in holds])

    def _step(self) -> int:
        """Erase a batch; return how many events it had."""
        with self.pace.transaction() as limit:
            # Again each time: one may have been placed meanwhile.
            self._refuse_held()
            events = list(self.wanted.order_by("captured_at", "id")[:limit])
            if events:
                self._delete(events)
            else:
                self._forget_plates()
        # Rows first, files after the commit, as everywhere: what a crash leaves, the sweep finds.
        delete_pictures(events)
        return len(events)

    def _delete(self, events: Sequence[PlateEvent]) -> None:
        pictures = sum(bool(event.frame) + bool(event.crop) for event in events)
        ids = [event.pk for event in events]
        gone = recipients_of(Delivery.objects.filter(event__in=ids))
        erase_events(events)
        told = [f"{one.name}: {one.delivered}" for one in gone if one.delivered]
        subject = self.subject(pictures=pictures) | ({"delivered": told} if told else {})
        self.write(Action.ERASED, subject, found=len(events))
        self.events += len(events)
        self.pictures += pictures
        for one in gone:
            self.recipients[one.exporter].append(one)

    def _forget_plates(self) -> None:
        """Forget what no event has any more: also where the dispatcher never came to count one."""
        left = events_of(self.plates).order_by().values("plate_normalized")
        KnownPlate.objects.filter(plate__in=self.plates).exclude(plate__in=left).delete()


def _sum(parts: Sequence[Recipient]) -> Recipient:
    return Recipient(
        parts[0].exporter,
        parts[0].name,
        sum(part.delivered for part in parts),
        sum(part.pending for part in parts),
        sum(part.dead for part in parts),
    )
