"""The table of events is made anew by migrations; what was in it before must be in it afterwards."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from anpr_project.tests.databases import own_database
from anpr_project.tests.running import environment, manage, services

BEFORE = """
from datetime import datetime, timezone
from uuid import UUID
from django.db import connection
from sensors.tests.factories import make_sensor

sensor, cursor = make_sensor(), connection.cursor()
columns = ('id sensor_id camera_id event_id plate plate_normalized confidence region captured_at '
    'received_at vehicle_type vehicle_make vehicle_color details frame frame_sha256 crop '
    'crop_sha256 content_sha256 position').split()
moments = [datetime(year, 3, 31, 23, 59, 59, 999999, tzinfo=timezone.utc)
    for year in (1970, 2024, 2025, 2199)]
moments = [connection.ops.adapt_datetimefield_value(moment) for moment in moments]
for pk, moment in enumerate(moments, start=5):
    event_id = UUID(int=pk) if connection.vendor == 'postgresql' else UUID(int=pk).hex
    values = [pk, sensor.pk, sensor.camera_id, event_id, f'P {pk}', f'P{pk}', 0.5, 'gb', moment,
        moment, 'car', '', '', '{"sequence": 7}', '', '', '', '', f'{pk:064x}', pk if pk < 8 else None]
    cursor.execute(f"INSERT INTO events_plateevent ({', '.join(columns)}) "
        f"VALUES ({', '.join(['%s'] * len(columns))})", values)
    cursor.execute('INSERT INTO events_tpmsreading (event_id, tyre_id, model) VALUES (%s, %s, %s)',
        [pk, f'a{pk}', ''])
if connection.vendor == 'postgresql':
    cursor.execute("SELECT setval(pg_get_serial_sequence('events_plateevent', 'id'), 20)")
"""

AFTER = """
import json
from django.utils import timezone
from events.models import EventReceipt, PlateEvent
from events.tests.rows import make_event
from sensors.models import SensorSettings

for receipt in EventReceipt.objects.order_by('id'):
    event = PlateEvent.objects.with_parts().by_id(receipt.pk).get()
    [tyre] = event.tyres.all()
    assert event.captured_at == tyre.captured_at == receipt.captured_at
    assert event.details == {'sequence': 7}
    assert (event.sensor_id, event.event_id) == (receipt.sensor_id, receipt.event_id)
    assert int.from_bytes(receipt.content_sha256) == event.pk
    print(event.pk, event.plate, event.camera_id == event.sensor.camera_id, event.position)
[sensor] = SensorSettings.objects.all()
new = make_event('NEW', sensor, captured_at=timezone.now())
print(new.pk > 8, PlateEvent.objects.by_id(new.pk).get().plate)
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of commands that have an empty database of their own."""
    if connection.vendor == "sqlite":
        yield environment(tmp_path)
        return
    with own_database() as name:
        yield environment(tmp_path, **services() | {"POSTGRES_DB": name})


def run(database: dict[str, str], *arguments: str) -> list[str]:
    done = subprocess.run(
        manage(*arguments), env=database, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.main_path
def test_events_outlive_the_division_into_months(database: dict[str, str]) -> None:
    for app in ("sensors", "events 0002"):
        run(database, "migrate", "-v0", *app.split())
    run(database, "shell", "-v0", "-c", BEFORE)
    run(database, "migrate", "-v0")
    assert run(database, "shell", "-v0", "-c", AFTER) == [
        "5 P 5 True 5",
        "6 P 6 True 6",
        "7 P 7 True 7",
        "8 P 8 True None",
        "True NEW",
    ]
