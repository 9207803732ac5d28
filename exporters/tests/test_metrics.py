"""What a worker counts, and where that can be read."""

from __future__ import annotations

import json
import socket
import time
import urllib.request

import pytest
from django.core.management import CommandError
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from anpr_project.lib.tests.ports import free_port
from events.stream.dispatch import dispatch
from events.tests.conftest import make_sender
from events.tests.factories import reading
from exporters import metrics
from exporters.delivery import fan_out
from exporters.lanes import Lanes
from exporters.models import DeliveryAttempt
from exporters.tests.factories import make_exporter
from exporters.tests.sinks import OK, Reply, Request, Sink, status

Samples = dict[tuple[str, str, str], float]


def scrape(port: int) -> Samples:
    """Return the samples of exporters by name, exporter and result."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
        text = response.read().decode()
    return {
        (sample.name, sample.labels["exporter"], sample.labels.get("result", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "exporter" in sample.labels and "le" not in sample.labels
    }


@pytest.mark.django_db(transaction=True)
def test_attempts_are_counted_by_result_and_shown_on_the_workers_port(settings: Settings) -> None:
    settings.EXPORT_ALLOW_NETWORKS = ["127.0.0.0/8"]
    settings.ENABLE_METRICS, settings.METRICS_PORT = True, free_port()
    settings.HOST = "127.0.0.1"

    def reply(request: Request) -> Reply:
        return status(400) if json.loads(request.body)["data"]["plate"] == "BAD" else OK

    server, lanes, sender = metrics.serve(), Lanes(), make_sender()
    assert server is not None
    try:
        with Sink(reply) as sink:
            name = make_exporter(
                name="counted",
                config={"url": sink.url},
                retry={"max_attempts": 2, "base_delay_s": 60},
            ).name
            lanes.tend()
            attempts = "anpr_export_attempts_total"
            assert scrape(settings.METRICS_PORT)[attempts, name, "failed"] == 0
            for plate in ("AB1", "AB2", "BAD"):
                assert sender.post(json.dumps(reading(plate=plate))).status_code == 201
            dispatch(fan_out)
            lanes.wake()
            deadline = time.monotonic() + 15
            while DeliveryAttempt.objects.count() < 3:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            lanes.stop(5)
        found = scrape(settings.METRICS_PORT)
    finally:
        lanes.stop(5)
        server.shutdown()
        server.server_close()
    assert found[attempts, name, "delivered"] == 2
    assert found[attempts, name, "failed"] == 1
    assert found["anpr_export_duration_seconds_count", name, ""] == 3


@pytest.mark.parametrize(("enabled", "port"), [(False, 9), (True, 0)])
def test_worker_listens_nowhere_unless_told(settings: Settings, enabled: bool, port: int) -> None:
    settings.ENABLE_METRICS, settings.METRICS_PORT = enabled, port
    assert metrics.serve() is None


def test_taken_port_ends_the_start_with_the_name_of_the_setting(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings.ENABLE_METRICS, settings.HOST = True, "127.0.0.1"
        settings.METRICS_PORT = other.getsockname()[1]
        with pytest.raises(CommandError, match="METRICS_PORT"):
            metrics.serve()
