from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from django.conf import settings as django_settings
from pytest_django import Settings
from rest_framework.test import APIClient

from anpr_project.lib.tests.factories import make_user
from cameras.tests.factories import make_camera
from events.models import PlateEvent, TpmsReading
from events.representation import represent
from events.tests.conftest import make_sender
from events.tests.factories import picture, reading
from events.tests.rows import NOON, make_event
from exporters import payload, trial
from exporters.matching import Filters
from sensors.tests.factories import make_sensor
from zones.tests.factories import make_zone

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SCHEMA = json.loads((Path(django_settings.BASE_DIR) / "docs/payload.schema.json").read_text())
FULL = {
    "candidates": [{"plate": "A812CDE", "confidence": 0.41}],
    "bbox": [1, 2, 30.5, 40],
    "sequence": 7,
    "vehicle": {"type": "car", "year": 2019, "speed_kmh": 48.5},
    "location": {"latitude": 51.5, "longitude": -0.12},
}


def built(event: PlateEvent) -> dict[str, Any]:
    body = payload.build(represent(event), "https://anpr.example", NOW)
    assert len(body) < 20_000
    envelope: dict[str, Any] = json.loads(body)
    validator = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    validator.validate(envelope)
    # Documented to the last field.
    assert set(envelope) == set(SCHEMA["properties"])
    assert set(envelope["data"]) <= set(SCHEMA["$defs"]["event"]["properties"])
    return envelope


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_schema_refuses_what_is_no_payload() -> None:
    envelope = built(make_event())
    wrong: list[dict[str, Any]] = [
        envelope | {"type": "else"},
        envelope | {"timestamp": "yesterday"},
        envelope | {"data": envelope["data"] | {"confidence": 2}},
        envelope | {"data": {}},
    ]
    for one in wrong:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(one, SCHEMA)


@pytest.mark.main_path
def test_envelope_holds_the_event_as_the_api_shows_it() -> None:
    event = make_event(details=FULL, tyres=["ff"], region="gb")
    envelope = built(event)
    assert envelope["type"] == "plate_event.created"
    assert envelope["timestamp"] == "2026-11-20T12:00:01Z"
    assert envelope["data"] == json.loads(msgspec.json.encode(represent(event)))


def test_a_bare_event_and_the_sample_fit_the_schema_too() -> None:
    event = make_event(sensor=make_sensor(), camera_id=None)
    assert built(event)["data"]["camera"] is None
    message = trial._message()
    jsonschema.validate(json.loads(message.body), SCHEMA)
    assert message.id == f"test_{json.loads(message.body)['data']['event_id'].replace('-', '')}"


@pytest.mark.parametrize(
    ("candidates", "tyres", "expected"),
    [
        (50, 5, (50, 5)),
        (50, 50, (0, 50)),
        (50, 80, (0, 0)),  # more than ingest takes
    ],
)
def test_a_long_event_loses_its_lists_and_says_so(
    candidates: int, tyres: int, expected: tuple[int, int]
) -> None:
    wide = "\u4e00"
    camera, zone = make_camera(name=wide * 100), make_zone(name=wide * 100)
    words = dict.fromkeys(("type", "make", "model", "color", "direction"), wide * 64)
    others = [{"plate": wide * 32, "confidence": 1 / 3}] * candidates
    event = make_event(
        wide * 32,
        make_sensor(camera, name=wide * 100),
        zone=zone,
        region=wide * 16,
        details=FULL | {"candidates": others, "vehicle": words},
    )
    TpmsReading.objects.bulk_create(
        TpmsReading(
            event=event,
            captured_at=event.captured_at,
            tyre_id="f" * 16,
            model=wide * 64,
            pressure_kpa=1 / 3,
        )
        for _ in range(tyres)
    )
    data = built(event)["data"]
    assert (len(data["candidates"]), len(data["tpms"])) == expected
    assert data.get("truncated", False) is (expected != (candidates, tyres))


def test_message_id_and_fields() -> None:
    event = make_event(" ab+12/#", region="gb")
    assert (
        payload.message_id(event.event_id, event.sensor_id)
        == f"evt_{event.event_id.hex}_{event.sensor_id}"
    )
    assert payload.fields(represent(event)) == {
        "plate": "AB12",
        "camera": str(event.camera_id),
        "zone": "",
        "sensor": str(event.sensor_id),
        "region": "gb",
        "event_id": str(event.event_id),
    }


# ------------------------------------------------------------------------------------- links
@pytest.mark.main_path
def test_links_open_the_pictures_without_a_login(
    settings: Settings, anonymous: APIClient, upload_dir: Path
) -> None:
    sent = make_sender().send(reading(), frame=picture(), crop=picture((9, 9))).json()
    event = PlateEvent.objects.with_parts().get(pk=sent["id"])
    settings.PUBLIC_URL = "https://anpr.example"
    data = json.loads(payload.build(represent(event)))["data"]
    assert anonymous.get(sent["frame_url"]).status_code == 401
    for kind in ("frame", "crop"):
        url = data[f"{kind}_url"]
        assert url.startswith(f"https://anpr.example/api/v1/events/{event.pk}/{kind}?")
        response = anonymous.get(url.removeprefix("https://anpr.example"))
        assert response.status_code == 200
        assert response["Content-Type"] == "image/jpeg"


# ------------------------------------------------------------------------------------- filters
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, True),
        ({"plates": ["ab12cde"]}, True),
        ({"plates": ["XX*", "AB?2*"]}, True),
        ({"plates": ["AB**E"]}, True),
        ({"plates": ["AB12CD"]}, False),
        ({"plates": ["?AB*"]}, False),
        ({"min_confidence": 0.9}, True),
        ({"min_confidence": 0.91}, False),
        ({"cameras": [2**40]}, False),
        ({"zones": [2**40]}, False),
    ],
)
def test_filters_say_the_same_in_python_and_in_sql(filters: dict[str, Any], expected: bool) -> None:
    event = make_event("AB12 CDE", confidence=0.9, received_at=NOON + timedelta(seconds=5))
    wanted = msgspec.convert(filters, Filters)
    assert wanted.matches(event) is expected
    assert PlateEvent.objects.filter(wanted.q).exists() is expected


def test_filters_of_camera_and_zone_take_their_own() -> None:
    zone = make_zone()
    event = make_event(zone=zone)
    for filters in (Filters(cameras=(event.camera_id or 0,)), Filters(zones=(zone.pk,))):
        assert filters.matches(event)
        assert PlateEvent.objects.filter(filters.q).exists()


def test_wanted_by_an_exporter_is_not_seen_by_a_user_without_role(anonymous: APIClient) -> None:
    event = make_event()
    anonymous.force_authenticate(make_user())
    assert anonymous.get(f"/api/v1/events/{event.pk}").status_code == 403
