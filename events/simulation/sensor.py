"""One edge device: photographs what passes, reads the plate, reports through the ingest API."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from datetime import datetime
from queue import Queue
from random import Random
from threading import Event, Lock, Thread
from typing import Any

from django.utils import timezone

from events.simulation.area import Installed, Post
from events.simulation.client import Answer, Client, Refused, Stopped
from events.simulation.misreads import read_plate
from events.simulation.photograph import Picture, photograph
from events.simulation.scene import SIZE
from events.simulation.traffic import Vehicle

BATCH = 500
HISTORY_EVENTS = 4000
# A sensor that falls behind holds the road up rather than filling the memory.
WAITING = 4
SPEEDS = {"motorway": (104, 12), "street": (29, 6), "gate": (11, 3), "tunnel": (66, 8)}
JSON = "application/json"
# 200: an event whose first answer was lost on the way had been stored all the same.
OUTCOMES = {200: "stored", 201: "stored", 202: "excluded"}


def tyres(vehicle: Vehicle, random: Random) -> list[dict[str, Any]]:
    return [
        {
            "model": vehicle.make,
            "id": tyre,
            "pressure_kpa": round(random.gauss(235, 9), 1),
            "temperature_c": round(random.gauss(24, 4), 1),
            "battery_ok": random.random() > 0.02,
        }
        for tyre in vehicle.tyres
    ]


def report(post: Post, vehicle: Vehicle, moment: datetime, random: Random) -> dict[str, Any]:
    """Return the event that the post's sensor sends for a vehicle, but for picture and sequence."""
    read = read_plate(vehicle.plate, random)
    return {
        "event_id": str(uuid.uuid4()),
        "plate": read.plate,
        "confidence": read.confidence,
        "captured_at": moment.isoformat(timespec="milliseconds"),
        "region": vehicle.region.code,
        "candidates": [{"plate": plate, "confidence": value} for plate, value in read.candidates],
        "vehicle": {
            "type": vehicle.kind,
            "make": vehicle.make,
            "model": vehicle.model,
            "color": vehicle.color,
            "year": vehicle.year,
            "direction": post.direction,
            "speed_kmh": round(max(3.0, random.gauss(*SPEEDS[post.view.setting])), 1),
        },
        "tpms": tyres(vehicle, random),
    }


def multipart(event: dict[str, Any], picture: Picture) -> tuple[bytes, str]:
    """Return the body and the content type of an event with its pictures."""
    boundary = uuid.uuid4().hex
    parts = (
        ("event", "", JSON, json.dumps(event).encode()),
        ("frame", '; filename="frame.jpg"', "image/jpeg", picture.frame),
        ("crop", '; filename="crop.jpg"', "image/jpeg", picture.crop),
    )
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n'
        f"Content-Type: {kind}\r\n\r\n".encode()
        + data
        + b"\r\n"
        for name, filename, kind, data in parts
    )
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


class Tally:
    """What came of the events; written by every sensor's thread."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = Lock()
        self.last_refusal = ""

    def add(self, what: str, count: int = 1) -> None:
        with self._lock:
            self._counts[what] += count

    def __getitem__(self, what: str) -> int:
        with self._lock:
            return self._counts[what]

    def __str__(self) -> str:
        text = f"{self['stored']} events stored"
        for what in ("excluded", "refused", "repeats"):
            if self[what]:
                text += f", {self[what]} {what}"
        return f"{text} (last refusal: {self.last_refusal})" if self.last_refusal else text


class Sensor:
    """One edge device: draws and sends what passes, in its own thread."""

    def __init__(self, url: str, installed: Installed, tally: Tally, stop: Event) -> None:
        self.installed, self.tally = installed, tally
        self.client = Client(url, f"Api-Key {installed.key}", stop)
        self.random = Random()  # noqa: S311 - traffic, not secrets
        self.sequence = 0
        self.passing: Queue[Vehicle | None] = Queue(WAITING)
        self.thread = Thread(target=self._work, name=installed.post.sensor, daemon=True)

    def _work(self) -> None:
        while (vehicle := self.passing.get()) is not None:
            self.see(vehicle, timezone.localtime())
        self.client.close()

    def see(self, vehicle: Vehicle, moment: datetime) -> None:
        """Photograph the vehicle, read its plate, send both."""
        post = self.installed.post
        picture = photograph(
            view=post.view,
            moment=moment,
            kind=vehicle.kind,
            color=vehicle.color,
            plate=vehicle.plate,
            region=vehicle.region.code,
            random=self.random,
        )
        self.sequence += 1
        event = report(post, vehicle, moment, self.random)
        event |= {"bbox": picture.bbox, "sequence": self.sequence}
        answer = self._send("/api/v1/events/ingest", *multipart(event, picture))
        if answer is not None:
            self.tally.add(OUTCOMES[answer.status])

    def past_event(self, vehicle: Vehicle, moment: datetime) -> dict[str, Any]:
        """Return an event without picture, its plate about where vehicles have theirs."""
        post = self.installed.post
        left, top = round(self.random.choice(post.view.lanes) * SIZE[0]) - 78, 480
        return report(post, vehicle, moment, self.random) | {"bbox": [left, top, 156, 34]}

    def remember(self, events: list[dict[str, Any]]) -> None:
        """Send past events without pictures, as a sensor does after a long time without network."""
        answer = self._send("/api/v1/events/ingest/batch", json.dumps(events).encode(), JSON)
        for result in answer.body if answer is not None else ():
            self.tally.add(OUTCOMES.get(result["status"], "refused"))

    def _send(self, path: str, body: bytes, kind: str) -> Answer | None:
        try:
            answer = self.client.send("POST", path, body, kind)
        except Stopped:
            return None
        except Refused as error:
            self.tally.add("refused")
            self.tally.last_refusal = str(error)
            return None
        self.tally.add("repeats", answer.repeats)
        return answer
