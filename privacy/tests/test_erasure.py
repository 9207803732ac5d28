"""Erasing everything about a plate: what goes, what stays, and what is told of it."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from anpr_project.lib.tests.factories import make_user
from audit.models import Action, AuditEntry
from audit.words import in_words
from events.models import EventReceipt, KnownPlate, LegalHold, PlateEvent, Rollup
from events.retention.deletion import expire
from events.stream.dispatch import dispatch
from events.tests.conftest import Sender, files_in
from exporters.models import Delivery, ExporterConfig
from privacy import erasure
from privacy.digest import plate_digest
from privacy.tests.conftest import OTHER, PLATE, sent

ERASE = "/api/v1/plates/erase"
WHY = "Request of 3 November"


def erase(api: APIClient, plate: str = "ab12 cde", status: int = 200, **more: Any) -> Any:
    answer = api.post(ERASE, {"plate": plate, "reason": WHY} | more, format="json")
    assert answer.status_code == status, answer.content
    return answer.json()


def residues(text: str) -> set[str]:
    """Return the tables of which a row holds the text."""
    return {
        model._meta.db_table
        for model in apps.get_models()
        if any(text in str(row).upper() for row in model._default_manager.values())
    }


@pytest.mark.main_path
@pytest.mark.usefixtures("seen")
def test_everything_about_the_plate_goes_and_nothing_of_others(
    api: APIClient, upload_dir: Path
) -> None:
    assert len(residues(PLATE)) >= 4
    told = erase(api)

    control_room = ExporterConfig.objects.get()
    assert told == {
        "complete": True,
        "events": 3,
        "pictures": 3,
        "recipients": [
            {
                "exporter": control_room.pk,
                "name": "Control room",
                "delivered": 1,
                "pending": 1,
                "dead": 0,
            }
        ],
    }
    assert residues(PLATE) == set()
    assert [event.plate for event in PlateEvent.objects.all()] == [OTHER]
    assert [known.plate for known in KnownPlate.objects.all()] == [OTHER]
    assert Delivery.objects.count() == 1
    assert len(files_in(upload_dir)) == 2
    # Counts are lowered.
    assert sum(row.events for row in Rollup.objects.filter(span="month", kind="all")) == 1
    # What waited for its position gets one, and nobody sees an event at it.
    dispatch()
    assert not EventReceipt.objects.waiting().exists()
    assert api.get("/api/v1/events").json()["results"][0]["plate"] == OTHER


@pytest.mark.main_path
def test_what_a_sensor_sends_again_stays_erased(
    api: APIClient, sender: Sender, seen: list[dict[str, Any]], upload_dir: Path
) -> None:
    erase(api)
    answer = sender.send(seen[1])
    assert (answer.status_code, answer.json()) == (202, {"status": "erased", "zone": None})
    batch = sender.post(json.dumps(seen), path="/api/v1/events/ingest/batch").json()
    assert [result["status"] for result in batch] == [202, 202, 422, 202]
    assert PlateEvent.objects.count() == 1
    # A new event of the plate is a new matter.
    sent(sender, PLATE)
    assert PlateEvent.objects.count() == 2


@pytest.mark.usefixtures("seen")
def test_what_is_known_of_an_erased_event_goes_with_its_retention(
    api: APIClient, settings: Settings
) -> None:
    erase(api)
    settings.RETENTION_DAYS = 30
    assert sum(expire()) == 0
    assert EventReceipt.objects.count() == 3


@pytest.mark.main_path
@pytest.mark.usefixtures("seen")
def test_under_a_hold_nothing_is_erased_and_the_hold_is_named(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = LegalHold.objects.create(name="Case 7", reason="asked for", plate="AB*")
    refused = erase(api, status=409)
    assert (refused["code"], refused["message"][:12]) == ("held", "Held: Case 7")
    assert erase(api, dry_run=True)["holds"] == ["Case 7"]
    assert PlateEvent.objects.count() == 4

    # One that is placed meanwhile ends it.
    hold.lift("admin")
    monkeypatch.setattr(erasure, "BATCH", 1)
    again = erasure.Erasure([PLATE], lambda *_, **__: None)
    assert again._step() == 1
    LegalHold.objects.create(name="Case 8", reason="asked for", plate=PLATE)
    with pytest.raises(erasure.Held, match="Case 8"):
        again._step()
    assert PlateEvent.objects.count() == 3


@pytest.mark.usefixtures("seen")
def test_who_may_see_no_holds_is_not_told_their_names(api: APIClient) -> None:
    LegalHold.objects.create(name="Case 7", reason="asked for", plate="AB*")
    user = make_user()
    user.user_permissions.add(Permission.objects.get(codename="erase_plate"))
    api.force_authenticate(user)
    assert "Case" not in json.dumps(erase(api, status=409))
    assert erase(api, dry_run=True)["holds"] == ["a legal hold"]


@pytest.mark.main_path
@pytest.mark.usefixtures("seen")
def test_a_look_before_tells_what_there_is_and_changes_nothing(
    api: APIClient, sender: Sender
) -> None:
    sent(sender, "A812CDE")
    ExporterConfig.objects.update(filters={"plates": ["ab12-cde"]})
    event = PlateEvent.objects.filter(plate_normalized=PLATE)[0]
    assert api.get(f"/api/v1/events/evidence?event={event.pk}").getvalue()
    before = len(residues(PLATE))
    told = erase(api, dry_run=True)

    assert (told["events"], told["pictures"], told["holds"]) == (3, 3, [])
    assert told["first_captured_at"] < told["last_captured_at"]
    assert (told["watched_by"], told["evidence_packages"]) == (["Control room"], 1)
    near = [(one["plate"], one["events"]) for one in told["near_misses"]]
    assert near == [("A812CDE", 1)]
    assert (told["recipients"][0]["delivered"], len(residues(PLATE))) == (1, before)

    assert erase(api, also=["a812 cde"])["events"] == 4


@pytest.mark.main_path
@pytest.mark.usefixtures("seen")
def test_the_audit_log_tells_of_it_without_the_plate(api: APIClient) -> None:
    erase(api, dry_run=True)
    erase(api)
    looked, asked, erased = AuditEntry.objects.order_by("id")
    digest = plate_digest(PLATE)
    assert (looked.action, looked.subject["dry_run"]) == (Action.ERASURE, True)
    assert (asked.action, asked.found, asked.reason) == (Action.ERASURE, 3, WHY)
    assert (erased.action, erased.found) == (Action.ERASED, 3)
    assert erased.subject["plate_digest"] == [digest]
    words = in_words(erased.action, erased.subject).split("; ")
    assert {*words} == {f"plate digest {digest}", "pictures 3", "delivered Control room: 1"}


@pytest.mark.usefixtures("seen")
def test_an_erasure_that_cannot_be_written_down_does_not_happen(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(action: Action, subject: Any, *, found: int) -> None:
        if action == Action.ERASED:
            raise RuntimeError("the disk of the log is full")

    with pytest.raises(RuntimeError):
        erasure.Erasure([PLATE], refuse).run()
    assert PlateEvent.objects.count() == 4


@pytest.mark.usefixtures("seen")
def test_what_there_is_no_time_for_is_left_for_the_next_request(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("privacy.views.LONGEST_S", 0.0)
    assert erase(api)["complete"] is False
    monkeypatch.undo()
    told = erase(api)
    assert (told["complete"], told["events"], erase(api)["events"]) == (True, 3, 0)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reason": WHY}, "plate"),
        ({"plate": PLATE}, "reason"),
        ({"plate": "AB1*", "reason": WHY}, "plate"),
        ({"plate": "--", "reason": WHY}, "plate"),
        ({"plate": PLATE, "reason": WHY, "also": ["?"]}, "also"),
        ({"plate": PLATE, "reason": "    "}, "reason"),
        ({"plate": PLATE, "reason": WHY, "all": True}, "all"),
    ],
)
def test_a_wrong_request_erases_nothing(api: APIClient, body: Any, field: str) -> None:
    answer = api.post(ERASE, body, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert not AuditEntry.objects.exists()


@pytest.mark.usefixtures("seen")
def test_a_batch_costs_the_same_however_many_events_it_has(api: APIClient, sender: Sender) -> None:
    with CaptureQueriesContext(
        connection,
    ) as few:
        erase(api)
    for _ in range(5):
        sent(sender, OTHER)
    dispatch()
    with CaptureQueriesContext(connection) as many:
        erase(api, OTHER)
    assert len(many) <= len(few)


def command(name: str, *arguments: str) -> str:
    output = StringIO()
    call_command(name, *arguments, stdout=output)
    return output.getvalue()


@pytest.mark.main_path
@pytest.mark.usefixtures("seen")
def test_the_command_does_the_same() -> None:
    looked = command("erase_plate", PLATE, "--reason", WHY, "--dry-run")
    assert json.loads(looked)["events"] == PlateEvent.objects.count() - 1 == 3
    assert json.loads(command("erase_plate", PLATE, "--reason", WHY))["events"] == 3
    assert {entry.channel for entry in AuditEntry.objects.all()} == {"command"}
    with pytest.raises(CommandError, match="plain characters"):
        command("erase_plate", PLATE, "--reason", "x")


@pytest.mark.main_path
def test_what_a_restored_backup_brings_back_is_erased_again(
    sender: Sender, settings: Settings, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path
    with time_machine.travel("2026-11-01T08:00:00Z", tick=False):
        sent(sender, PLATE)
        dispatch()
        command("erase_plate", PLATE, "--reason", WHY)
        # As if the backup had been taken before.
        restored = sent(sender, PLATE)["event_id"]
    later = sent(sender, PLATE)["event_id"]
    dispatch()
    assert {str(event.event_id) for event in PlateEvent.objects.all()} == {restored, later}
    # An old key goes on opening what was written with it.
    settings.ENCRYPTION_KEYS = ["x" * 44, *settings.ENCRYPTION_KEYS]

    told = command("erase_again")
    assert told == "1 plates were erased, 1 are known again: 1 events erased.\n"
    assert [str(event.event_id) for event in PlateEvent.objects.all()] == [later]
    assert PLATE not in (tmp_path / "erasures.log").read_text()

    log = tmp_path / "worker.log"
    log.write_text(f'{{"erasure": "2099-01-01T00:00:00.000000Z erased {plate_digest(PLATE)}"}}')
    LegalHold.objects.create(name="Case 7", reason="asked for", plate=PLATE)
    with pytest.raises(CommandError, match="Case 7"):
        command("erase_again", str(log))
    assert PlateEvent.objects.count() == 1
    settings.DATA_DIR = tmp_path / "empty"
    with pytest.raises(CommandError, match="is not there"):
        command("erase_again")


def test_what_may_be_asked_here_is_told(api: APIClient) -> None:
    assert api.options(ERASE).status_code == 200
