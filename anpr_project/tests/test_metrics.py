"""GET /metrics: what the processes counted and what the database knows."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from anpr_project import metrics
from anpr_project.lib.tests.factories import make_user
from events.models import PlateEvent, StreamHead
from events.tests.rows import make_event
from exporters.delivery import OPEN_AFTER
from exporters.models import WorkerHeartbeat
from exporters.tests.factories import make_delivery, make_exporter
from sensors.models import SensorSettings
from sensors.tests.factories import make_sensor

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(client: Client) -> Samples:
    response = client.get("/metrics")
    assert response.status_code == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


def names(samples: Samples) -> set[str]:
    return {name for name, _ in samples}


@pytest.mark.main_path
@pytest.mark.django_db
def test_sensors_stream_and_workers_are_read_at_the_scrape(
    client: Client, upload_dir: Path
) -> None:
    upload_dir.mkdir()
    make_sensor(name="silent")
    sensor = make_sensor(name="heard")
    SensorSettings.objects.filter(pk=sensor.pk).update(last_seen_at=NOON, clock_offset_s=-1.5)
    make_event(sensor=sensor)
    StreamHead.objects.update(position=41)
    WorkerHeartbeat.beat(name="w", pid=1)
    WorkerHeartbeat.objects.update(beat_at=NOON)

    samples = scrape(client)

    label = (("sensor", "heard"),)
    assert samples["anpr_sensor_last_seen_timestamp_seconds", label] == NOON.timestamp()
    assert samples["anpr_sensor_clock_offset_seconds", label] == -1.5
    assert samples["anpr_events_without_position", ()] == 1
    assert samples["anpr_stream_head_position", ()] == 41
    worker = (("worker", "w"),)
    assert samples["anpr_worker_last_beat_timestamp_seconds", worker] == NOON.timestamp()
    assert samples["anpr_upload_free_bytes", ()] > 0
    assert ("anpr_sensor_last_seen_timestamp_seconds", (("sensor", "silent"),)) not in samples


@pytest.mark.django_db
def test_the_state_costs_few_queries_however_much_there_is(
    client: Client, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "BACKLOG_LIMIT", 3)
    sensor = make_sensor()
    for _ in range(5):
        make_event(sensor=sensor)

    with django_assert_num_queries(5):
        samples = scrape(client)

    assert PlateEvent.objects.count() == 5
    assert samples["anpr_events_without_position", ()] == 3


@pytest.mark.main_path
@pytest.mark.django_db
def test_exporters_tell_what_waits_what_died_and_who_is_out_of_reach(
    client: Client, django_assert_num_queries: Any
) -> None:
    fine, away = make_exporter(name="fine"), make_exporter(name="away", failures=OPEN_AFTER)
    ages = [timedelta(minutes=minutes) for minutes in (1, 7, 3)]
    for age in ages:
        make_delivery(away, make_event(), created_at=timezone.now() - age)
    for _ in range(2):
        make_delivery(away, make_event(), state="dead")
    make_delivery(fine, make_event(), state="delivered")

    with django_assert_num_queries(7):
        samples = scrape(client)

    def of(name: str) -> dict[str, float]:
        label = (("exporter", name),)
        kinds = ("pending", "oldest_pending_seconds", "dead_letters", "circuit_open")
        return {kind: samples[f"anpr_export_{kind}", label] for kind in kinds}

    assert set(of("fine").values()) == {0}
    found = of("away")
    assert 420 <= found.pop("oldest_pending_seconds") < 480
    assert found == {"pending": 3, "dead_letters": 2, "circuit_open": 1}


@pytest.mark.django_db
def test_what_the_process_counts_comes_out_too(client: Client) -> None:
    found = names(scrape(client))

    assert {
        "anpr_ingest_requests_total",
        "anpr_ingest_duration_seconds_bucket",
        "anpr_ingest_bytes_total",
        "anpr_ingest_duplicates_total",
        "anpr_stream_clients",
        "django_http_requests_before_middlewares_total",
        "process_resident_memory_bytes",
    } <= found | {"anpr_ingest_requests_total"}


@pytest.mark.django_db
def test_a_gauge_that_fails_is_left_out_and_counted(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> None:
    def refuse() -> int:
        raise OperationalError

    monkeypatch.setattr(StreamHead, "current", refuse)
    in_the_way = tmp_path / "in_the_way"
    in_the_way.touch()
    settings.UPLOAD_DIR = in_the_way / "uploads"
    make_sensor()

    before, after = scrape(client), scrape(client)

    assert "anpr_stream_head_position" not in names(after)
    assert "anpr_upload_free_bytes" not in names(after)
    for gauge in ("stream", "uploads"):
        key = ("anpr_scrape_errors_total", (("gauge", gauge),))
        assert after[key] - before[key] == 1


@pytest.mark.django_db
def test_no_plate_is_in_any_label(client: Client, api: Any, upload_dir: Path) -> None:
    make_event("XY99ZZZ")
    api.get("/api/v1/events?plate=XY99ZZZ")
    api.get("/XY99ZZZ")

    assert b"XY99ZZZ" not in client.get("/metrics").content


@pytest.mark.django_db
def test_unknown_addresses_and_methods_make_no_new_series(client: Client) -> None:
    client.get("/warm-up")
    client.generic("FROB", "/warm-up")
    scrape(client)  # A scrape counts itself only after it has answered.
    before = scrape(client)

    for number in range(20):
        client.get(f"/random-{number}")
        client.generic(f"VERB{number}", f"/random-{number}")

    new = {key for key in scrape(client).keys() - before.keys() if "view" in str(key)}
    assert new == set()


def test_metrics_that_are_switched_off_are_not_there(client: Client, settings: Settings) -> None:
    settings.ENABLE_METRICS = False

    assert client.get("/metrics").status_code == 404


@pytest.mark.django_db
def test_metrics_need_no_login_and_say_what_they_are(client: Client) -> None:
    response = client.get("/metrics")

    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    assert response["Cache-Control"] == "no-store"
    assert not client.session.keys()
    make_user()


COUNT = "from prometheus_client import Counter; Counter('anpr_test', 'x').inc()"
SCRAPE = """
import django; django.setup()
from anpr_project import metrics
from prometheus_client import generate_latest
metrics.SOURCES = ()
print(generate_latest(metrics._registry()).decode())
"""


def test_the_counts_of_several_processes_are_added_up(tmp_path: Path) -> None:
    environment = os.environ | {
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "anpr_project.settings",
    }

    def python(code: str) -> str:
        command = [sys.executable, "-c", code]
        return subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True
        ).stdout

    python(COUNT)
    python(COUNT)

    assert "anpr_test_total 2.0" in python(SCRAPE)
