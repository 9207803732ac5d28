from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cameras.models import CameraZone
from cameras.tests.factories import make_camera
from sensors import configuration_changes
from sensors.configuration_changes import changes
from sensors.credentials import credential_of
from sensors.models import SensorKey
from sensors.tests.factories import make_sensor
from zones.tests.factories import make_zone

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite remembers nothing"),
]


def eventually(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def queries(text: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        credential_of(text)
    return len(captured)


def remembered(text: str) -> None:
    """Wait until the listener hears and nothing is being told any more."""
    eventually(lambda: changes.revision() is not None)
    eventually(lambda: queries(text) == 0)


def test_unchanged_configuration_costs_no_query() -> None:
    zone = make_zone()
    sensor = make_sensor(make_camera(zone, make_zone(enabled=False)))
    _, text = SensorKey.create_for(sensor)
    remembered(text)
    found = credential_of(text)
    assert found is not None
    assert (found.sensor, found.zones) == (sensor, (zone,))
    found.key.note_use()
    sensor.note_life_sign(captured_at=found.key.created_at, received_at=found.key.created_at)
    time.sleep(0.1)
    assert queries(text) == 0


def test_each_change_is_heard() -> None:
    zone = make_zone()
    camera = make_camera(zone)
    sensor = make_sensor(camera)
    key, text = SensorKey.create_for(sensor)

    def zones() -> int:
        found = credential_of(text)
        return -1 if found is None else len(found.zones)

    remembered(text)
    type(zone).objects.filter(pk=zone.pk).update(enabled=False)
    eventually(lambda: zones() == 0)
    CameraZone.objects.create(camera=camera, zone=make_zone())
    eventually(lambda: zones() == 1)
    type(camera).objects.filter(pk=camera.pk).update(enabled=False)
    eventually(lambda: credential_of(text).sensor.camera.enabled is False)  # type: ignore[union-attr]
    key.revoke()
    eventually(lambda: zones() == -1)


def test_nothing_is_remembered_while_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    _, text = SensorKey.create_for(make_sensor())
    remembered(text)
    monkeypatch.setattr(configuration_changes, "BELIEVED_S", 0.0)  # as if it did not answer
    eventually(lambda: changes.revision() is None)
    assert queries(text) > 0
    monkeypatch.undo()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query LIKE 'LISTEN%%' AND datname = current_database()"
        )
    eventually(lambda: changes.revision() is not None)
    remembered(text)
