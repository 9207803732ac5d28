"""Small makers of bodies for tests; each takes only what a test cares about."""

from __future__ import annotations

import io
import json
import uuid
from datetime import UTC, datetime
from typing import Any

from PIL import Image


def reading(**fields: Any) -> dict[str, Any]:
    """A body of the ingest API."""
    return {
        "event_id": str(uuid.uuid4()),
        "plate": "AB12 CDE",
        "confidence": 0.93,
        "captured_at": datetime.now(UTC).isoformat(),
    } | fields


def picture(size: tuple[int, int] = (64, 48), kind: str = "JPEG", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (40, 90, 160)).save(file, kind, **options)
    return file.getvalue()


def multipart(event: dict[str, Any] | str | bytes, **files: bytes) -> dict[str, Any]:
    """Arguments of client.post() for a multipart body as sensors send it."""
    boundary = uuid.uuid4().hex
    text = event if isinstance(event, (str, bytes)) else json.dumps(event)
    parts = [("event", "", text.encode() if isinstance(text, str) else text)]
    parts += [(name, f'; filename="{name}.jpg"', data) for name, data in files.items()]
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n\r\n'.encode()
        + data
        + b"\r\n"
        for name, filename, data in parts
    )
    return {
        "data": body + f"--{boundary}--\r\n".encode(),
        "content_type": f"multipart/form-data; boundary={boundary}",
    }
