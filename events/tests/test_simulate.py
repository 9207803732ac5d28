from __future__ import annotations

import io
import os
import signal
import threading
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone
from knox.models import AuthToken
from PIL import Image
from pytest_django.live_server_helper import LiveServer

from anpr_project.lib.tests.factories import make_user
from cameras.models import Camera
from events.models import PlateEvent, TpmsReading
from events.simulation import player
from models_cfg.models import ModelConfig
from sensors.models import SensorKey, SensorSettings
from zones.models import Zone


def simulate(url: str, *arguments: str) -> str:
    output = io.StringIO()
    call_command("simulate", "--url", url, *arguments, stdout=output)
    return output.getvalue()


@pytest.fixture
def server(live_server: LiveServer) -> str:
    make_user("admin", is_superuser=True, is_staff=True)
    return live_server.url


def test_simulate_sets_up_an_area_and_reports_vehicles_with_pictures(server: str) -> None:
    output = simulate(server, "--count", "8", "--rate", "500", "--history", "0")
    assert "8 events stored in" in output
    assert f"{server}/live" in output
    assert Camera.objects.count() == SensorSettings.objects.count() == 4
    assert ModelConfig.objects.count() == 2
    assert {"parking", "detection", "exclusion"} == set(
        Zone.objects.values_list("zone_type", flat=True)
    )
    assert PlateEvent.objects.count() == 8
    assert not PlateEvent.objects.filter(frame="").exists()
    assert not PlateEvent.objects.filter(crop="").exists()
    for event in PlateEvent.objects.all():
        assert event.camera_id == event.sensor.camera_id
        assert event.details["sequence"] >= 1
        assert event.details["vehicle"]["make"]
        assert event.region


def test_simulate_leaves_no_credential_behind(server: str) -> None:
    simulate(server, "--count", "1", "--rate", "500", "--history", "0")
    assert SensorKey.objects.count() == 4
    assert not SensorKey.objects.live().exists()
    assert not AuthToken.objects.exists()


def test_second_run_creates_nothing_again(server: str) -> None:
    for _ in range(2):
        simulate(server, "--count", "1", "--rate", "500", "--history", "0")
    assert Camera.objects.count() == SensorSettings.objects.count() == 4
    assert Zone.objects.count() == 4
    assert ModelConfig.objects.count() == 2


def test_first_run_fills_in_the_past_without_pictures(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(player, "HISTORY_EVENTS", 300)
    monkeypatch.setattr(player, "BATCH", 20)
    started = timezone.now()
    simulate(server, "--count", "0")
    past = PlateEvent.objects.filter(captured_at__lt=started, frame="")
    count = past.count()
    assert 150 < count < 600
    assert past.filter(zone__name="A40 carriageway").exists()
    assert TpmsReading.objects.exists()
    assert (started - past.earliest("captured_at").captured_at).total_seconds() > 24 * 3600
    simulate(server, "--count", "0")
    assert PlateEvent.objects.count() == count


def interrupt_after_the_first_picture(folder: Path, stopped: threading.Event) -> None:
    while not stopped.wait(0.05):
        if any(folder.rglob("*.jpg")):
            os.kill(os.getpid(), signal.SIGINT)
            return


def test_ctrl_c_ends_the_traffic_with_a_summary(server: str, upload_dir: Path) -> None:
    before, stopped = signal.getsignal(signal.SIGINT), threading.Event()
    finger = threading.Thread(target=interrupt_after_the_first_picture, args=(upload_dir, stopped))
    finger.start()
    try:
        output = simulate(server, "--rate", "5", "--history", "0", "--duration", "60")
    finally:
        stopped.set()
        finger.join()
    assert "stored in 0:00:" in output
    assert PlateEvent.objects.exists()
    assert signal.getsignal(signal.SIGINT) is before


def test_duration_ends_the_traffic(server: str) -> None:
    started = timezone.now()
    output = simulate(server, "--duration", "1", "--rate", "0.001", "--history", "0")
    assert 1 <= (timezone.now() - started).total_seconds() < 30
    assert "0 events stored" in output


def test_events_that_the_server_refuses_are_counted_with_the_reason(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nonsense(*_: Any, **__: Any) -> dict[str, Any]:
        return {"plate": "", "confidence": 2}

    monkeypatch.setattr("events.simulation.sensor.report", nonsense)
    output = simulate(server, "--count", "2", "--rate", "500", "--history", "0")
    assert "0 events stored, 2 refused (last refusal: HTTP 400" in output


def test_without_a_server_it_says_how_to_start_one(db: None) -> None:
    with pytest.raises(CommandError, match="make run"):
        simulate("http://127.0.0.1:1")  # a port on which nobody listens


def test_without_an_administrator_it_says_so(live_server: LiveServer) -> None:
    assert not User.objects.exists()
    with pytest.raises(CommandError, match="no administrator"):
        simulate(live_server.url)


def test_a_set_up_that_the_server_refuses_is_reported(server: str) -> None:
    user = User.objects.get()
    with patch.object(User, "has_perms", autospec=True, return_value=False):
        assert user.is_superuser
        with pytest.raises(CommandError, match="refused the set-up: HTTP 403"):
            simulate(server)
    assert not AuthToken.objects.exists()


@pytest.mark.parametrize("url", ["ftp://x", "127.0.0.1:8000", "http://"])
def test_wrong_url_is_refused(url: str) -> None:
    with pytest.raises(CommandError, match="http://host:port"):
        simulate(url)


@pytest.mark.parametrize("arguments", [("--rate", "0"), ("--rate", "x"), ("--history", "-1")])
def test_numbers_out_of_range_are_refused(arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match=arguments[0]):
        simulate("http://127.0.0.1:1", *arguments)


def test_pictures_are_jpegs_of_the_size_cameras_send(server: str, settings: Any) -> None:
    simulate(server, "--count", "2", "--rate", "500", "--history", "0")
    for event in PlateEvent.objects.all():
        frame = settings.UPLOAD_DIR / event.frame
        with Image.open(frame) as picture:
            assert (picture.format, picture.size) == ("JPEG", (1280, 720))
        assert 40_000 < frame.stat().st_size < 160_000
        with Image.open(settings.UPLOAD_DIR / event.crop) as picture:
            assert picture.size == (208, 64)
