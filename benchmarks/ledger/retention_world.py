"""An installation with months of history: pictures, deliveries, tyres, policies by zone, holds."""

from __future__ import annotations

import hashlib
import io
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from ledger.edge import picture
from ledger.installation import Installation
from ledger.keeping import Hold, Seen

HISTORY_DAYS = 200
USUAL_DAYS = 90
# By the number of the zone: shorter, longer than the months that are dropped whole, pictures alone.
POLICIES = {0: (20, 5), 1: (30, 30), 2: (150, 40), 3: (None, 10)}
FIELDS = ("id", "plate_normalized", "captured_at", "camera_id", "zone_id", "frame", "crop")


def fill(events: int, pictures: int, seed: int, chance: random.Random) -> dict[str, str]:
    """Write the history; return the hash of each picture."""
    from django.core.management import call_command

    arguments = {"events": events, "days": HISTORY_DAYS, "seed": seed}
    call_command("load_history", **arguments, stdout=io.StringIO())
    stored = _add_pictures(max(1, events // pictures), chance)
    _add_deliveries()
    return stored


def _add_pictures(every: int, chance: random.Random) -> dict[str, str]:
    from django.db import connection

    from events.models import PlateEvent
    from events.pictures.stores import picture_store
    from events.pictures.stores.base import hour_prefix

    stored, rows = dict[str, str](), list[Any]()
    found = PlateEvent.objects.order_by("id").values_list("id", "captured_at", "received_at")
    for pk, captured_at, received_at in found[::every]:
        stem = f"{hour_prefix(received_at)}/{chance.randbytes(16).hex()}"
        files = {f"{stem}-{kind}.png": picture(chance, 16) for kind in ("frame", "crop")}
        picture_store().put(files)
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        stored |= hashes
        rows.append([value for pair in hashes.items() for value in pair] + [pk, captured_at])
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE events_plateevent SET frame = %s, frame_sha256 = %s, crop = %s, "
            "crop_sha256 = %s WHERE id = %s AND captured_at = %s",
            rows,
        )
    return stored


def _add_deliveries() -> None:
    """Deliveries in every state, errors that name the plate, and tyres, of some events."""
    from events.models import PlateEvent, TpmsReading
    from exporters.models import Delivery, DeliveryAttempt, ExporterConfig

    exporter = ExporterConfig.objects.create(
        name="Archive", exporter_type="mqtt", config={"host": "192.0.2.1"}, enabled=False
    )
    states = list(Delivery.State)
    events = PlateEvent.objects.order_by("id").values_list("id", "plate", "captured_at")[::5]
    for start in range(0, len(events), 5000):
        part = events[start : start + 5000]
        deliveries = Delivery.objects.bulk_create(
            Delivery(exporter=exporter, event_id=pk, state=states[index % 3], last_error=plate)
            for index, (pk, plate, _) in enumerate(part)
        )
        now = datetime.now(UTC)
        DeliveryAttempt.objects.bulk_create(
            DeliveryAttempt(
                delivery=delivery,
                started_at=now,
                duration_ms=1,
                succeeded=False,
                error=f"anpr/7/{plate}: timed out",
            )
            for delivery, (_, plate, _) in zip(deliveries, part, strict=True)
        )
        TpmsReading.objects.bulk_create(
            TpmsReading(event_id=pk, captured_at=at, tyre_id="ff") for pk, _, at in part
        )


def seen() -> list[Seen]:
    from events.models import PlateEvent

    rows = PlateEvent.objects.order_by("id").values_list(*FIELDS)
    return [Seen(*row) for row in rows.iterator(20_000)]


def set_policies(made: Installation, headers: dict[str, str]) -> dict[int | None, tuple[int, int]]:
    """Give some zones days of their own by the API; return the days of all."""
    from zones.models import Zone

    days: dict[int | None, tuple[int, int]] = {None: (USUAL_DAYS, USUAL_DAYS)}
    zones = list(Zone.objects.order_by("id").values_list("id", flat=True))
    for number, (event_days, picture_days) in POLICIES.items():
        body = {"retention_days": event_days, "picture_retention_days": picture_days}
        made.server.json("PATCH", f"/api/v1/config/zones/{zones[number]}", body, **headers)
        days[zones[number]] = (event_days or USUAL_DAYS, picture_days)
    return days


def place_holds(
    made: Installation, headers: dict[str, str], before: list[Seen], share: float
) -> tuple[Hold, ...]:
    """Hold about so large a share of the events: half by plate, half by camera and time."""
    now = datetime.now(UTC)
    # Not in the oldest month, so that one is dropped whole.
    since, until = now - timedelta(days=140), now - timedelta(days=40)
    old = [event for event in before if since <= event.captured_at < until]
    wanted = len(before) * share / 2
    holds, found = list[Hold](), 0
    for plate in dict.fromkeys(event.plate for event in old if event.pictures):
        if found >= wanted or len(holds) == 50:
            break
        holds.append(Hold(since, until, plate=plate))
        found += sum(event.plate == plate for event in old)
    camera = max({event.camera for event in old}, key=lambda pk: sum(e.camera == pk for e in old))
    theirs = sorted(e.captured_at for e in old if e.camera == camera)
    holds.append(Hold(theirs[0], theirs[min(int(wanted), len(theirs) - 1)], camera=camera))
    for number, hold in enumerate(holds):
        criteria = {"plate": hold.plate} if hold.plate else {"camera": hold.camera}
        body = criteria | {
            "name": f"Case {number}",
            "reason": "asked for by a court",
            "captured_after": hold.since.isoformat(),
            "captured_before": hold.until.isoformat(),
        }
        made.server.json("POST", "/api/v1/holds", body, **headers)
    return tuple(holds)
