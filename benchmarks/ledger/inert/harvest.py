"""What the product says that it keeps, and everything that can be downloaded from it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ledger.inert.browser import Viewer
from ledger.inert.doors import API, PARTS_OF_EVENT, Doors, quoted
from ledger.inert.sinks import Arrived

LISTED = ("config/cameras", "config/zones", "config/sensors", "config/models", "exporters", "holds")
TABLES = ("cameras/camera", "zones/zone", "sensors/sensorsettings")
PACKAGE_OF, MOST_PACKAGES = 40, 10
Event = Mapping[str, Any]


@dataclass
class Harvest:
    tables: dict[str, bytes] = field(default_factory=dict)
    bodies: list[tuple[str, bytes]] = field(default_factory=list)
    packages: dict[str, bytes] = field(default_factory=dict)
    metrics: bytes = b""


def texts_of_event(event: Event) -> tuple[str, ...]:
    """The texts of a sensor's, in order."""
    vehicle = event.get("vehicle") or {}
    readings = [one["plate"] for one in event.get("candidates") or []]
    models = [one.get("model") or "" for one in event.get("tpms") or []]
    words = [value for _, value in sorted(vehicle.items()) if isinstance(value, str)]
    return (event["plate"], event.get("region") or "", *words, *readings, *models)


def _get(at: Doors, path: str, refusable: bool = False) -> bytes:
    status, data = at.server.call("GET", path, headers=at.authorization)
    if status != 200 and not (refusable and 400 <= status < 500):
        at.broken.append(f"{path}: {status}")
    return data if status == 200 else b""


def every_event(at: Doors) -> dict[int, Event]:
    """Return what is kept of each event, once all of them are visible."""
    wanted = {one.pk for one in at.placed if one.kind in PARTS_OF_EVENT}
    deadline, found = time.monotonic() + 60, dict[int, Event]()
    while not found.keys() >= wanted and time.monotonic() < deadline:
        time.sleep(0.2)
        # Not splitlines(), for which a line ends at more signs than this.
        lines = _get(at, f"{API}/events/export?format=ndjson").decode().split("\n")
        found = {event["id"]: event for event in map(json.loads, filter(None, lines))}
    return found


SHOWN: dict[str, Callable[[Event], tuple[str, ...]]] = {
    "plate": lambda event: (event["plate"],),
    "vehicle": lambda event: (event["vehicle"]["make"],),
    "region": lambda event: (event["region"],),
    "candidate": lambda event: (event["candidates"][0]["plate"],),
    "tyre model": lambda event: (),
}


def as_kept(at: Doors, events: Mapping[int, Event]) -> None:
    """Let pages be asked for the texts as the product keeps them."""
    at.placed = [
        replace(one, texts=SHOWN[one.kind](events[one.pk])) if one.kind in SHOWN else one
        for one in at.placed
        if one.kind not in SHOWN or one.pk in events
    ]


def told_by(got: Arrived) -> dict[int, tuple[str, ...]]:
    """What a sink was told of each event."""
    events = (json.loads(body)["data"] for body in got.bodies)
    return {int(event["id"]): texts_of_event(event) for event in events}


def harvest(at: Doors, tab: Viewer, events: Mapping[int, Event]) -> Harvest:
    """Download tables, answers, packages and metrics."""
    found = Harvest(metrics=_get(at, "/metrics"))
    found.tables["events"] = _get(at, f"{API}/events/export?format=csv")
    for name in TABLES:
        found.tables[name] = tab.page.request.get(f"{tab.url}/admin/{name}/export/").body()
    for path in LISTED:
        found.bodies.append((path, _get(at, f"{API}/{path}")))
    found.bodies += [(f"event {pk}", _get(at, f"{API}/events/{pk}")) for pk in [*events][::10]]
    lines = _get(at, f"{API}/events/export?format=ndjson").split(b"\n")
    found.bodies += [("line of the export", line) for line in lines if line]
    for start in range(0, min(len(events), PACKAGE_OF * MOST_PACKAGES), PACKAGE_OF):
        query = "&".join(f"event={pk}" for pk in [*events][start : start + PACKAGE_OF])
        found.packages[f"evidence {start}"] = _get(at, f"{API}/events/evidence?{query}")
    for one in at.of("plate")[::10]:
        # Of a plate without letter or digit there is no copy.
        if data := _get(at, f"{API}/plates/copy?plate={quoted(one.texts[0])}", refusable=True):
            found.packages[f"copy {one.hostile.number}"] = data
    return found
