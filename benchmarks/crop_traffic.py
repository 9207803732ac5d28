"""Sensors that send reads with crops, every tenth with a frame, at a steady rate."""

from __future__ import annotations

import http.client
import io
import json
import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from product import Server

SENDERS = 16
PICTURES = 64
LETTERS, DIGITS = "ABCDEFGHJKLMNOPRSTUVWXYZ", "0123456789"


@dataclass
class Traffic:
    """The sensors: together they send `rate` reads a second, each at its moment."""

    server: Server
    rate: float
    token: str
    stored: list[int] = field(default_factory=list)
    refused: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        crops = [jpeg(320, 100, text) for text in plates(PICTURES)]
        frames = [jpeg(1280, 720, text) for text in plates(8)]
        self._threads = [
            threading.Thread(target=self._send, args=(number, self._key(number), crops, frames))
            for number in range(SENDERS)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _key(self, number: int) -> str:
        def make(path: str, **fields: Any) -> Any:
            headers = {"Authorization": f"Token {self.token}"}
            return self.server.json("POST", f"/api/v1/config/{path}", fields, **headers)

        camera = make("cameras", name=f"Camera {number}")["id"]
        sensor = make("sensors", name=f"Sensor {number}", camera=camera)["id"]
        return str(make(f"sensors/{sensor}/keys")["key"])

    def _send(self, number: int, key: str, crops: list[bytes], frames: list[bytes]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        chance = random.Random(number)  # noqa: S311 - traffic, not secrets
        pause = SENDERS / self.rate
        due = time.monotonic() + pause * number / SENDERS
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due += pause
            frame = chance.choice(frames) if chance.random() < 0.1 else b""
            body, boundary = multipart(chance, chance.choice(crops), frame)
            headers = {"Authorization": f"Api-Key {key}"}
            headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
            connection.request("POST", "/api/v1/events/ingest", body, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
            if response.status == 201:
                self.stored.append(answer["id"])
            else:
                self.refused += 1
        connection.close()


def plates(count: int) -> list[str]:
    chance = random.Random(count)  # noqa: S311
    return [
        "".join(chance.choices(LETTERS, k=2) + chance.choices(DIGITS, k=4)) for _ in range(count)
    ]


def jpeg(width: int, height: int, text: str) -> bytes:
    from PIL import Image, ImageDraw

    noise = Image.effect_noise((width // 4, height // 4), 40).resize((width, height))
    image = noise.convert("RGB")
    ImageDraw.Draw(image).text((10, 10), text, fill=(255, 255, 255), font_size=height // 2)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=70)
    return file.getvalue()


def multipart(chance: random.Random, crop: bytes, frame: bytes) -> tuple[bytes, str]:
    event = {
        "event_id": str(uuid.uuid4()),
        "plate": "".join(chance.choices(LETTERS + DIGITS, k=7)),
        "confidence": round(chance.uniform(0.6, 1), 3),
        "captured_at": datetime.now(UTC).isoformat(),
        "region": chance.choice(["gb", "de", "fr", "nl"]),
        "bbox": [500, 300, 200, 60],
        "candidates": [{"plate": "A812CDE", "confidence": 0.41}],
        "vehicle": {"type": "car", "make": "Volkswagen", "model": "Golf", "color": "blue"},
    }
    boundary = uuid.uuid4().hex
    parts = [("event", "", json.dumps(event).encode()), ("crop", '; filename="c.jpg"', crop)]
    parts += [("frame", '; filename="f.jpg"', frame)] if frame else []
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        + data
        + b"\r\n"
        for name, file, data in parts
    )
    return body + f"--{boundary}--\r\n".encode(), boundary
