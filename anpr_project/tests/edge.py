"""A sensor of a running product, as its tests over HTTP need one."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx

# httpx's own 5 s are too few where a request was seen to take seven: thirty processes, two cores.
PATIENCE_S = 30


class Edge:
    """A sensor of the running product."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.authorization = url, f"Token {token}"
        name = uuid.uuid4().hex[:8]
        self.camera_name = f"Camera {name}"
        self.camera = self.configure("cameras", name=self.camera_name)["id"]
        sensor = self.configure("sensors", name=f"Sensor {name}", camera=self.camera)["id"]
        self.key = self.configure(f"sensors/{sensor}/keys")["key"]

    def configure(self, path: str, **fields: Any) -> Any:
        answer = httpx.post(
            f"{self.url}/api/v1/config/{path}",
            json=fields,
            headers={"Authorization": self.authorization},
            timeout=PATIENCE_S,
        )
        assert answer.status_code == 201, answer.text
        return answer.json()

    def change(self, path: str, **fields: Any) -> None:
        answer = httpx.patch(
            f"{self.url}/api/v1/config/{path}",
            json=fields,
            headers={"Authorization": self.authorization},
            timeout=PATIENCE_S,
        )
        assert answer.status_code == 200, answer.text

    def read(self, plate: str, picture: bytes = b"", **fields: Any) -> Any:
        event = {
            "plate": plate,
            "confidence": 0.93,
            "captured_at": datetime.now(UTC).isoformat(),
        } | fields
        files = {"frame": picture, "crop": picture} if picture else {}
        parts = {name: (f"{name}.jpg", data, "image/jpeg") for name, data in files.items()}
        answer = httpx.post(
            f"{self.url}/api/v1/events/ingest",
            files={"event": (None, json.dumps(event), "application/json"), **parts},
            headers={"Authorization": f"Api-Key {self.key}"},
            timeout=PATIENCE_S,
        )
        assert answer.status_code == 201, answer.text
        return answer.json()

    def get(self, path: str) -> Any:
        headers = {"Authorization": self.authorization}
        answer = httpx.get(f"{self.url}/api/v1/{path}", headers=headers, timeout=PATIENCE_S)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send_batch(self, events: list[dict[str, Any]]) -> None:
        answer = httpx.post(
            f"{self.url}/api/v1/events/ingest/batch",
            json=events,
            headers={"Authorization": f"Api-Key {self.key}"},
            timeout=PATIENCE_S,
        )
        assert answer.status_code == 200, answer.text
