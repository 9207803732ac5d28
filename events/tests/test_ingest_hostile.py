"""Input that wants to break ingest: each gets a 4xx with a code, and leaves nothing behind."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.test.client import FakePayload
from PIL import Image

from events.models import PlateEvent
from events.tests.conftest import Sender, files_in
from events.tests.factories import picture, reading


def animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (20, 20), (shade, 0, 0)) for shade in (0, 128, 255)]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:])
    return file.getvalue()


def png_bomb(side: int) -> bytes:
    """A tiny file that claims side x side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def refused(response: Any, upload_dir: Path, *statuses: int) -> dict[str, Any]:
    assert response.status_code in statuses, (response.status_code, response.content)
    assert not PlateEvent.objects.exists()
    assert not files_in(upload_dir)
    body: dict[str, Any] = response.json()
    assert body["code"]
    assert body["message"]
    return body


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"plate": ""}, "plate"),
        ({"plate": "--- "}, "plate"),
        ({"plate": "A\x00B"}, "plate"),
        ({"plate": "A\x1bB"}, "plate"),
        ({"plate": "AB12\n"}, "plate"),
        ({"region": "gb\n"}, "region"),
        ({"tpms": [{"id": "ff\n"}]}, "tpms.0.id"),
        ({"plate": "A\U0001f697"}, "plate"),
        ({"plate": "A" * 33}, "plate"),
        ({"plate": "\ufdfa" * 32}, "plate"),  # one character that normalises to eighteen
        ({"plate": 5}, "plate"),
        ({"plate": None}, "plate"),
        ({"confidence": 7}, "confidence"),
        ({"confidence": -0.1}, "confidence"),
        ({"confidence": "0.5"}, "confidence"),
        ({"confidence": True}, "confidence"),
        ({"captured_at": "yesterday"}, "captured_at"),
        ({"captured_at": "2026-11-22T08:00:00"}, "captured_at"),
        ({"captured_at": "0001-01-01T00:00:00+14:00"}, "captured_at"),
        ({"captured_at": "9999-12-31T23:59:59-14:00"}, "captured_at"),
        ({"captured_at": 1763798400}, "captured_at"),
        ({"event_id": "not-a-uuid"}, "event_id"),
        ({"camera": -1}, "camera"),
        ({"camera": 10**30}, "camera"),
        ({"camera": "1"}, "camera"),
        ({"region": "x" * 17}, "region"),
        ({"bbox": [1, 2, 3]}, "bbox"),
        ({"bbox": [1, 2, 3, -4]}, "bbox.3"),
        ({"sequence": 2**63}, "sequence"),
        ({"vehicle": {"make": "V\x00W"}}, "vehicle.make"),
        ({"vehicle": {"year": 1}}, "vehicle.year"),
        ({"vehicle": []}, "vehicle"),
        ({"location": {"latitude": 91, "longitude": 0}}, "location.latitude"),
        ({"location": {"latitude": 1}}, "location.longitude"),
        ({"candidates": [{"plate": "A"}]}, "candidates.0.confidence"),
        ({"candidates": [{"plate": "A", "confidence": 1}] * 51}, "candidates"),
        ({"tpms": [{"id": "xyz"}]}, "tpms.0.id"),
        ({"tpms": [{"id": "ff", "pressure_kpa": 1e9}]}, "tpms.0.pressure_kpa"),
    ],
)
def test_wrong_field_is_named(
    sender: Sender, upload_dir: Path, changes: dict[str, Any], field: str
) -> None:
    response = sender.send(reading(**changes), frame=picture())
    body = refused(response, upload_dir, 400)
    assert body["errors"][0]["field"] == field


@pytest.mark.parametrize("field", ["plate", "confidence", "captured_at"])
def test_missing_field_is_named(sender: Sender, upload_dir: Path, field: str) -> None:
    event = reading()
    del event[field]
    body = refused(sender.post(json.dumps(event)), upload_dir, 400)
    assert body["errors"] == [
        {"field": field, "code": "required", "message": body["errors"][0]["message"]}
    ]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b'{"plate": "A1", "confidence": NaN, "captured_at": "2026-11-22T08:00:00Z"}',
        b'{"plate": "A1", "confidence": Infinity, "captured_at": "2026-11-22T08:00:00Z"}',
        b'{"plate": "A1", "confidence": 1e999, "captured_at": "2026-11-22T08:00:00Z"}',
        b'{"plate": "\\ud800", "confidence": 1, "captured_at": "2026-11-22T08:00:00Z"}',
        b'{"plate": "\xff\xfe"}',
        b"[" * 10_000,
        b'{"x":' * 10_000 + b"1" + b"}" * 10_000,
    ],
)
def test_broken_json_is_refused(sender: Sender, upload_dir: Path, raw: bytes) -> None:
    refused(sender.post(raw), upload_dir, 400)
    refused(sender.send(raw), upload_dir, 400)


@pytest.mark.parametrize(
    ("data", "statuses"),
    [
        (b"<svg onload=alert(1)>", (415,)),
        (b"not an image at all", (415,)),
        (b"\xff\xd8\xff", (415,)),
        (picture()[:-200], (415,)),
        (picture()[:100], (415,)),
        (picture(kind="GIF"), (415,)),
        (picture(kind="BMP"), (415,)),
        (picture(kind="TIFF"), (415,)),
        (animated("PNG"), (415,)),
        (animated("WEBP"), (415,)),
        (animated("GIF"), (415,)),
        (png_bomb(13_000), (413,)),
        (png_bomb(60_000), (413,)),
        (picture(kind="PNG") + b"<script>alert(1)</script>", (415,)),
        (picture() + b"PK\x03\x04 a second file", (415,)),
        (picture(kind="WEBP") + b"more", (415,)),
        (picture(comment=b"<script>alert(1)</script>"), (415,)),
    ],
)
def test_what_is_no_plain_picture_is_refused(
    sender: Sender, upload_dir: Path, data: bytes, statuses: tuple[int, ...]
) -> None:
    for kind in ("frame", "crop"):
        body = refused(sender.send(reading(), **{kind: data}), upload_dir, *statuses)
        assert body["errors"][0]["field"] == kind


@pytest.mark.parametrize(
    ("part", "size"), [("frame", 8 * 2**20 + 1), ("crop", 2**20 + 1), ("frame", 12 * 2**20)]
)
def test_too_large_picture_is_refused(
    sender: Sender, upload_dir: Path, part: str, size: int
) -> None:
    data = picture() + b"\0" * size
    refused(sender.send(reading(), **{part: data}), upload_dir, 413)


def test_too_large_event_is_refused(sender: Sender, upload_dir: Path) -> None:
    event = reading(padding="x" * 70_000)
    for response in (sender.post(json.dumps(event)), sender.send(event)):
        assert refused(response, upload_dir, 413)["errors"][0]["field"] == "event"


def part(name: str, data: bytes = b"{}", extra: str = "") -> bytes:
    return (
        f'--B\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode()
        + data
        + b"\r\n"
    )


EVENT = part("event", json.dumps(reading()).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--B--\r\n",
        b"garbage",
        EVENT,  # never closed
        EVENT[:60],
        EVENT + part("frame", picture())[:-300],
        EVENT + EVENT + b"--B--\r\n",
        EVENT + part("frame", picture()) + part("frame", picture()) + b"--B--\r\n",
        EVENT + part("image", picture()) + b"--B--\r\n",
        part("frame", picture()) + b"--B--\r\n",
        EVENT + part("x") * 10_000 + b"--B--\r\n",
        EVENT.replace(b"Content-Disposition", b"X" * 10_000) + b"--B--\r\n",
        EVENT.replace(b"form-data", b"\xff\xfe") + b"--B--\r\n",
        part("ev\x00ent") + b"--B--\r\n",
        b"--B\r\n\r\n{}\r\n--B--\r\n",
    ],
)
def test_broken_multipart_is_refused(sender: Sender, upload_dir: Path, body: bytes) -> None:
    refused(sender.post(body, "multipart/form-data; boundary=B"), upload_dir, 400)


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary="' + "x" * 2000 + '"',
        "multipart/form-data; boundary=\xff",
    ],
)
def test_wrong_boundary_is_refused(sender: Sender, upload_dir: Path, content_type: str) -> None:
    refused(sender.post(EVENT + b"--B--\r\n", content_type), upload_dir, 400, 415)


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "nonsense", ""])
def test_other_content_types_are_refused(
    sender: Sender, upload_dir: Path, content_type: str
) -> None:
    body = refused(sender.post(json.dumps(reading()), content_type), upload_dir, 415)
    assert body["code"] == "unsupported_media_type"


@pytest.mark.parametrize("path", ["/api/v1/events/ingest", "/api/v1/events/ingest/batch"])
def test_client_that_goes_away_while_sending_is_no_failure_of_ours(
    sender: Sender, upload_dir: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def cut(*_: Any) -> bytes:
        raise OSError("connection reset")

    monkeypatch.setattr(FakePayload, "read", cut)
    body = refused(sender.post(json.dumps(reading()), path=path), upload_dir, 400)
    assert body["code"] == "incomplete"


@pytest.mark.parametrize(
    ("body", "content_type", "path"),
    [
        (EVENT + b"--B--\r\n", "multipart/form-data; boundary=B", "/api/v1/events/ingest"),
        (b"{}\n" * 2, "application/x-ndjson", "/api/v1/events/ingest/batch"),
    ],
)
def test_body_shorter_than_declared_is_refused_though_what_came_could_be_read(
    sender: Sender, upload_dir: Path, body: bytes, content_type: str, path: str
) -> None:
    """The server tells of a client that went away by an early end, and of nothing else."""
    head: Any = {"wsgi.input": io.BytesIO(body[:-2]), "CONTENT_TYPE": content_type}
    head |= {"CONTENT_LENGTH": str(len(body)), "HTTP_AUTHORIZATION": sender.authorization}
    sent = sender.client.post(path, **head)
    assert refused(sent, upload_dir, 400)["code"] == "incomplete"


def test_file_name_with_a_path_is_never_used(sender: Sender, upload_dir: Path) -> None:
    evil = part("frame", picture(), '; filename="../../../../evil.jpg"')
    response = sender.post(EVENT + evil + b"--B--\r\n", "multipart/form-data; boundary=B")
    assert response.status_code == 201
    event = PlateEvent.objects.get()
    assert files_in(upload_dir.parent) == [upload_dir / event.frame]
    assert "evil" not in event.frame


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_other_methods_are_refused(sender: Sender, method: str) -> None:
    response = getattr(sender.client, method)(
        "/api/v1/events/ingest", headers={"Authorization": sender.authorization}
    )
    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"


def test_real_world_plates_are_taken(sender: Sender) -> None:
    for plate, normalized in {
        "В 123 АВ 77": "В123АВ77",  # noqa: RUF001 - Cyrillic
        "粤B·12345": "粤B12345",
        "١٢٣ أ": "123أ",
        "ß-X 1": "SSX1",
    }.items():
        response = sender.post(json.dumps(reading(plate=plate)))
        assert response.status_code == 201
        assert response.json()["plate"] == plate
        assert response.json()["plate_normalized"] == normalized
