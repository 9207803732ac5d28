"""A copy of everything about a plate, and nothing about others."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from django.db import DatabaseError
from rest_framework.test import APIClient

from audit.models import Action, AuditEntry
from events.models import PlateEvent
from events.stream.dispatch import dispatch
from events.tests.conftest import Sender, files_in
from events.tests.factories import picture
from exporters.models import ExporterConfig
from privacy import copy
from privacy.tests.conftest import OTHER, PLATE, sent

COPY = "/api/v1/plates/copy"


def taken(api: APIClient, plate: str = "ab12 cde") -> zipfile.ZipFile:
    answer: Any = api.get(COPY, {"plate": plate}, headers={"X-Search-Reason": "Request%207"})
    assert answer.status_code == 200
    archive = zipfile.ZipFile(io.BytesIO(answer.getvalue()))
    assert archive.testzip() is None
    return archive


def lines(archive: zipfile.ZipFile, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in archive.read(name).splitlines()]


@pytest.mark.main_path
@pytest.mark.usefixtures("seen")
def test_a_copy_has_events_pictures_looks_and_recipients(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy, "PAGE", 2)
    ExporterConfig.objects.update(filters={"plates": [PLATE]})
    api.get("/api/v1/events", {"plate": "AB12-CDE"}, headers={"X-Search-Reason": "case%201"})
    api.get("/api/v1/events", {"plate": f"{PLATE[:4]}*"})
    api.get("/api/v1/events", {"plate": OTHER})
    for event in PlateEvent.objects.all():
        api.get(f"/api/v1/events/{event.pk}")
    archive = taken(api)

    events = lines(archive, "events.jsonl")
    assert [event["plate_normalized"] for event in events] == [PLATE] * 3
    assert events[2]["exports"][0] == {
        "exporter": "Control room",
        "status": "delivered",
        "delivered_at": None,
    }
    pictures = {name for event in events for name in (event["frame"], event["crop"]) if name}
    assert pictures == {name for name in archive.namelist() if name.startswith("pictures/")}
    assert len(pictures) == 3
    looks = lines(archive, "looks.jsonl")
    # The search, a read of each of its events, and this copy.
    assert [look["why"] for look in looks] == ["case 1", "", "", "", "Request 7"]
    summary = json.loads(archive.read("summary.json"))
    assert (summary["events"], summary["watched_by"]) == (3, ["Control room"])
    everything = b"".join(map(archive.read, archive.namelist())).decode(errors="ignore")
    assert OTHER not in everything
    assert "admin" not in everything


@pytest.mark.main_path
def test_the_pictures_are_the_bytes_as_sent(
    api: APIClient, sender: Sender, upload_dir: Any
) -> None:
    sent(sender, PLATE, frame=picture(exif=b"Exif\0\0"))
    archive = taken(api)
    (name,) = [name for name in archive.namelist() if name.startswith("pictures/")]
    (stored,) = files_in(upload_dir)
    assert archive.read(name) == stored.read_bytes()
    # What is gone meanwhile is left out.
    stored.unlink()
    assert len(taken(api).namelist()) == 4


def test_of_an_unknown_plate_there_is_an_empty_copy(api: APIClient) -> None:
    archive = taken(api, "NONE1")
    assert lines(archive, "events.jsonl") == []
    (entry,) = AuditEntry.objects.all()
    assert (entry.action, entry.subject) == (Action.COPY, {"query": {"plate": ["NONE1"]}})
    assert len(lines(archive, "looks.jsonl")) == 1


@pytest.mark.usefixtures("seen")
def test_a_copy_that_is_broken_off_opens_nowhere(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(plate: str) -> Any:
        raise DatabaseError("gone")

    monkeypatch.setattr(copy, "looks_at_plate", fail)
    answer: Any = api.get(COPY, {"plate": PLATE})
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(answer.getvalue()))


def test_a_request_to_look_first_costs_nothing(api: APIClient) -> None:
    assert api.head(COPY, {"plate": PLATE}).status_code == 200
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("query", "field"),
    [({}, "plate"), ({"plate": "AB*"}, "plate"), ({"plate": PLATE, "camera": "1"}, "camera")],
)
def test_a_wrong_request_is_refused(api: APIClient, query: Any, field: str) -> None:
    answer = api.get(COPY, query)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


@pytest.mark.usefixtures("seen")
def test_events_that_wait_to_be_seen_are_in_the_copy(api: APIClient) -> None:
    assert len(lines(taken(api), "events.jsonl")) == 3
    dispatch()
    assert len(lines(taken(api), "events.jsonl")) == 3
