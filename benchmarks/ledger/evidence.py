"""What is there in the end: rows, files, and what streams and sinks got; gathered, not judged."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ledger.arrivals import Arrival, Interruption
from ledger.book import Entry
from ledger.installation import Installation


class Row(NamedTuple):
    """A stored event."""

    id: int
    event_id: str
    sensor: int
    camera: int | None
    frame: str
    frame_sha256: str
    crop: str
    crop_sha256: str
    position: int | None

    @property
    def key(self) -> tuple[int, str]:
        return self.sensor, self.event_id


@dataclass
class Story:
    """What one client of the stream got, in the order in which it came."""

    camera: int | None
    positions: list[int]
    event_ids: list[str]
    closed: dict[str, int]


@dataclass
class Evidence:
    entries: list[Entry]
    rows: list[Row]
    receipts: dict[int, tuple[int, str]]
    # The keys of the events that the API lists.
    listed: set[tuple[int, str]]
    # Each file below the folder of pictures, with the SHA-256 of its content.
    files: dict[str, str]
    # How many events the API answers with other pictures than were sent, of those looked at.
    shown_wrong: list[str]
    stories: list[Story]
    arrivals: dict[str, list[Arrival]]
    interruptions: list[Interruption]
    # Deliveries that are neither done nor given up, and those that were given up.
    pending: int
    dead: int
    notes: list[str] = field(default_factory=list)


def stored_rows() -> list[Row]:
    """The events, with the positions that their receipts have."""
    from events.models import EventReceipt, PlateEvent

    positions = dict(EventReceipt.objects.values_list("id", "position"))
    fields = ("id", "event_id", "sensor_id", "camera_id")
    pictures = ("frame", "frame_sha256", "crop", "crop_sha256")
    rows = PlateEvent.objects.order_by("id").values_list(*fields, *pictures)
    return [Row(row[0], str(row[1]), *row[2:], positions.get(row[0])) for row in rows]  # type: ignore[call-arg]


def receipts() -> dict[int, tuple[int, str]]:
    """What is promised to be stored under each id: sensor and event_id."""
    from events.models import EventReceipt

    rows = EventReceipt.objects.values_list("id", "sensor_id", "event_id")
    return {pk: (sensor, str(event_id)) for pk, sensor, event_id in rows}


def stored_files(folder: Path) -> dict[str, str]:
    """Every file with its hash; the walk sees the hidden ones too."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def deliveries() -> tuple[int, int]:
    from exporters.models import Delivery

    pending = Delivery.objects.filter(state=Delivery.State.PENDING).count()
    return pending, Delivery.objects.filter(state=Delivery.State.DEAD).count()


def listed_keys(made: Installation, token: str) -> set[tuple[int, str]]:
    """Every event that the API lists, page by page."""
    keys: set[tuple[int, str]] = set()
    page: str | None = "/api/v1/events?limit=500"
    while page:
        answer = made.server.json("GET", page, Authorization=f"Token {token}")
        keys |= {(event["sensor"], event["event_id"]) for event in answer["results"]}
        following = answer["next"]
        page = following and following.replace(made.server.url, "")
    return keys


def shown_wrong(made: Installation, token: str, entries: list[Entry], most: int) -> list[str]:
    """Ask the API for the untouched bytes of some pictures; return whose are not what was sent."""
    wrong = []
    headers = {"Authorization": f"Token {token}"}
    for entry in [entry for entry in entries if entry.id and entry.frame][:most]:
        path = f"/api/v1/events/{entry.id}/frame?original=1"
        status, data = made.server.call("GET", path, headers=headers)
        if status != 200 or hashlib.sha256(data).hexdigest() != entry.frame:
            wrong.append(f"{entry.event_id}: {status}")
    return wrong


def age_and_sweep(made: Installation, command: list[str]) -> str:
    """Make every file look old, and let the product's own command sweep; return what it said."""
    import subprocess

    for path in made.storage.uploads.rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() - 7200,) * 2)
    environment = os.environ | made.server.extra | {"DATA_DIR": str(made.folder / "var")}
    swept = subprocess.run(  # noqa: S603 - our own command
        command, env=environment, check=True, capture_output=True, text=True
    )
    return swept.stdout.strip()


def stories(file: Path) -> list[Story]:
    told: list[dict[str, Any]] = [json.loads(line) for line in file.read_text().splitlines()]
    return [Story(**story) for story in told]
