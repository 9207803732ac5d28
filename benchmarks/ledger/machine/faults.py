"""Controls: one rule of the product is broken in this process, and a few stories have to find it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any
from unittest.mock import patch

from django.db import connection

from audit.chain import seal_entries
from events.ingest.recording import ContentDiffers
from events.models import PlateEventQuerySet
from events.retention.deletion import delete_events
from events.retention.policies import Policy, policies
from events.statistics.rollups import add_counts
from events.stream.positions import MAKE_VISIBLE
from exporters.models import Delivery, DeliveryQuerySet
from exporters.retry import RetryPolicy
from exporters.tests.sinks import Sink
from exporters.transports import TransportError
from exporters.transports.webhook import WebhookTransport, _judged
from ledger.machine.story import tell
from privacy.erasure import Erasure
from sensors.models import SensorKeyQuerySet

RUNS, STEPS, TURNS = 60, 50, 5
Fault = AbstractContextManager[object]


def control(sink: Sink, seed: int) -> Iterator[tuple[str, str]]:
    """Break one rule after the other; yield whether the stories have seen it."""
    for name, places in FAULTS.items():
        with ExitStack() as stack:
            for place in places:
                stack.enter_context(place())
            # What is rare in the stories of one seed is met in those of another.
            turns = (tell(sink, 10 * seed + turn, RUNS, STEPS) for turn in range(TURNS))
            found = next(filter(None, turns), None)
        yield name, "red" if found and found.startswith(SEEN) else f"GREEN {found or ''}"


# Found by a comparison, and not by a fault that breaks the harness.
SEEN = ("AssertionError", "CommandError")


def at(place: str, instead: Any) -> Callable[[], Fault]:
    return lambda: patch(place, instead)


def of(owner: Any, name: str, instead: Callable[..., Any]) -> Callable[[], Fault]:
    return lambda: patch.object(owner, name, instead)


def refuse_repeat(event: Any) -> None:
    raise ContentDiffers


def own_zone(*, sensor: Any, **_: Any) -> Any:
    return sensor.zone


def all_but_last(exporter: Any, events: Any) -> Any:
    return list(events)[:-1]


send = WebhookTransport.send


def send_twice(self: WebhookTransport, message: Any) -> Any:
    send(self, message)
    return send(self, message)


next_delay = RetryPolicy.next_delay


def too_soon(self: RetryPolicy, attempts: int, chance: Any) -> Any:
    delay = next_delay(self, attempts, chance)
    return delay and delay / 2


def not_gone(answer: Any) -> Any:
    try:
        return _judged(answer)
    except TransportError as error:
        error.gone = False
        raise


again = DeliveryQuerySet.again


def again_but_first(self: DeliveryQuerySet, now: Any) -> int:
    ids = list(self.order_by("id").values_list("pk", flat=True))
    return again(Delivery.objects.filter(pk__in=ids[1:]), now)


def everywhere_the_same(usual: int | None = None) -> list[Policy]:
    found = policies(usual)
    zones = tuple(zone for policy in found for zone in policy.zones)
    return [Policy(zones, found[0].event_days, found[0].picture_days)]


def count_one_less(combinations: Any) -> None:
    next(iter(combinations.values())).events -= 1
    add_counts(combinations)


falling = MAKE_VISIBLE.replace(
    "%(head)s + place", "%(head)s + 1 - place + (SELECT count(*) FROM waiting)"
)


def seal_and_alter() -> int:
    sealed = seal_entries()
    with connection.cursor() as cursor:
        cursor.execute(
            "SET session_replication_role = replica; "
            "UPDATE audit_auditentry SET actor = 'nobody' WHERE sequence = 2; "
            "SET session_replication_role = DEFAULT"
        )
    return sealed


def nothing(*_: Any) -> None:
    pass


FAULTS: dict[str, list[Callable[[], Fault]]] = {
    "a repeat is refused": [at("events.ingest.recording.already_stored", refuse_repeat)],
    "other content is taken": [
        at("events.ingest.recording.content_sha256", lambda *_: b"x" * 32),
        at("events.ingest.batch.content_sha256", lambda *_: b"x" * 32),
    ],
    "an exclusion zone is ignored": [at("events.ingest.recording.zone_of", own_zone)],
    "a revoked key is taken": [of(SensorKeyQuerySet, "live", lambda self: self.all())],
    "positions fall": [at("events.stream.positions.MAKE_VISIBLE", falling)],
    "statistics lose an event": [at("events.stream.positions.add_counts", count_one_less)],
    "a matching event is skipped": [at("exporters.delivery._wanted", all_but_last)],
    "filters are ignored": [at("exporters.delivery._wanted", lambda _, events: events)],
    "a message is sent twice": [of(WebhookTransport, "send", send_twice)],
    "attempts are not counted": [at("exporters.delivery._burns_attempt", lambda *_: False)],
    "a retry comes too soon": [of(RetryPolicy, "next_delay", too_soon)],
    "Retry-After is ignored": [at("exporters.transports.webhook._seconds", nothing)],
    "410 does not disable": [at("exporters.transports.webhook._judged", not_gone)],
    "the circuit never opens": [at("exporters.delivery._blames_sink", lambda *_: False)],
    "a pause outlives its end by hand": [at("exporters.state.renew", nothing)],
    "a switched off exporter stays on": [at("exporters.views.state.disable", nothing)],
    "sent again, but for one": [of(DeliveryQuerySet, "again", again_but_first)],
    "a hold is ignored": [of(PlateEventQuerySet, "not_held", lambda self: self)],
    "erased under a hold": [of(Erasure, "_refuse_held", nothing)],
    "what is erased comes back": [at("privacy.erasure.erase_events", delete_events)],
    "a zone's days are ignored": [at("events.retention.deletion.policies", everywhere_the_same)],
    "the audit log is altered": [at("ledger.machine.world.seal_entries", seal_and_alter)],
}
