"""Lists of the admin site whose columns come from several apps."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib import admin
from django.db import models, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from anpr_project.lib.tests.admin_pages import list_page, page, staff
from cameras.models import Camera
from cameras.tests.factories import make_camera
from events.models import PlateEvent
from events.stream.dispatch import dispatch
from events.tests.rows import NOON, make_event
from exporters.models import ExporterConfig
from exporters.tests.factories import make_exporter
from models_cfg.models import ModelConfig
from models_cfg.tests.factories import make_model
from sensors.models import SensorModel, SensorSettings
from sensors.tests.factories import make_sensor
from zones.models import Zone
from zones.tests.factories import make_zone

pytestmark = pytest.mark.django_db
LISTS = (Camera, Zone, SensorSettings, ModelConfig, ExporterConfig, PlateEvent)


def text(client: Client, model: Any) -> str:
    """The cells of a list as a reader sees them."""
    content = client.get(list_page(model)).content.decode()
    body = content[content.index('id="result_list"') :]
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


@pytest.mark.main_path
def test_camera_shows_its_latest_picture_last_read_and_reads_of_today(client: Client) -> None:
    zone = make_zone(name="Yard")
    with time_machine.travel(NOON, tick=False):
        staff(client, superuser=True)
        camera = make_camera(name="Gate")
        camera.zones.add(zone)
        sensor = make_sensor(camera)
        for hours in (1, 2, 13):  # the last one yesterday
            event = make_event("AB1", sensor, captured_at=NOON - timedelta(hours=hours), zone=zone)
        newest = make_event("AB2", sensor, captured_at=NOON - timedelta(minutes=9), crop="c.jpg")
        make_camera(name="Lonely")
        dispatch()
        content = client.get(list_page(Camera)).content.decode()
        shown = text(client, Camera)
        zones = text(client, Zone)
    assert f'src="/api/v1/events/{newest.pk}/crop"' in content
    assert page(newest) in content
    assert page(event) not in content
    assert "9 minutes ago" in shown
    assert f'camera__id__exact={camera.pk}">3</a>' in content
    assert "no read yet" in shown
    assert re.search(r"Yard .* 1 2 ", zones)


def test_camera_without_crop_shows_its_frame(client: Client) -> None:
    staff(client, superuser=True)
    event = make_event(frame="f.jpg", captured_at=timezone.now())
    content = client.get(list_page(Camera)).content.decode()
    assert f'src="/api/v1/events/{event.pk}/frame"' in content


def test_reads_are_not_told_to_who_may_not_see_events(client: Client) -> None:
    event = make_event(crop="c.jpg")
    staff(client, "cameras.view_camera", "zones.view_zone")
    make_zone()
    for model in (Camera, Zone):
        content = client.get(list_page(model)).content.decode()
        assert "reads today" not in content
        assert f"/events/{event.pk}" not in content


def test_sensor_shows_its_life_signs_and_model_who_runs_it(client: Client) -> None:
    staff(client, superuser=True)
    sensor, model = make_sensor(name="edge"), make_model(name="reader")
    now = timezone.now()
    sensor.note_life_sign(captured_at=now - timedelta(minutes=5), received_at=now)
    SensorModel.objects.create(sensor=sensor, model=model)
    shown = text(client, SensorSettings)
    assert "just now" in shown
    assert "+5 min" in shown
    assert "1 sensor" in text(client, ModelConfig)
    found = client.get(list_page(SensorSettings), {"models__id__exact": model.pk})
    assert [row.name for row in found.context["cl"].result_list] == ["edge"]


@pytest.mark.parametrize("model", LISTS)
def test_list_costs_at_most_fifteen_statements_whatever_its_length(
    client: Client, model: Any, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    staff(client, superuser=True)
    for _ in range(20):
        zone = make_zone()
        event = make_event(zone=zone)
        SensorModel.objects.create(sensor=event.sensor, model=make_model())
        if event.camera is not None:
            event.camera.zones.add(zone)
        make_exporter()
    dispatch()
    with django_assert_max_num_queries(15):
        assert client.get(list_page(model)).status_code == 200


@pytest.mark.parametrize(
    ("model", "step"),
    [
        (Camera, "make demo"),
        (Zone, "add one"),
        (SensorSettings, "make a key"),
        (ModelConfig, "add the networks"),
        (ExporterConfig, "webhook"),
        (PlateEvent, "make demo"),
    ],
)
def test_empty_list_says_what_to_do_next_and_a_search_that_nothing_matches(
    client: Client, model: Any, step: str
) -> None:
    staff(client, superuser=True)
    content = client.get(list_page(model)).content.decode()
    assert step in content
    assert "yet" in content
    assert "Nothing matches" in client.get(list_page(model), {"q": "zzz"}).content.decode()


def columns() -> list[tuple[Any, str]]:
    return [
        (model, column.name)
        for model in admin.site._registry
        for column in model._meta.concrete_fields
        if isinstance(column, (models.CharField, models.TextField))
    ]


# In its address a list may be asked for any column, whether it has a filter for it or not.
@pytest.mark.parametrize("lookup", [("", "a\x00b"), ("__startswith", "\x00"), ("__regex", "(")])
def test_what_the_database_does_not_take_is_no_failure_of_a_list(
    client: Client, lookup: tuple[str, str]
) -> None:
    staff(client, superuser=True)
    client.raise_request_exception = False
    assert client.get(reverse("admin:index")).status_code == 200
    told = {}
    for model, column in columns():
        with transaction.atomic():
            answer = client.get(list_page(model), {column + lookup[0]: lookup[1]})
            transaction.set_rollback(True)
        told[model, column] = answer.status_code
    assert told[PlateEvent, "plate"] == told[Camera, "name"] == 400
    # Some columns are compared by what they are encrypted to.
    assert [where for where, status in told.items() if status not in {200, 400}] == []


def test_what_the_database_does_not_take_is_no_failure_of_a_chooser(client: Client) -> None:
    staff(client, superuser=True)
    client.raise_request_exception = False
    chooser = {"app_label": "events", "model_name": "plateevent", "field_name": "camera"}
    answer = client.get(reverse("admin:autocomplete"), chooser | {"term": "a\x00b"})
    assert answer.status_code == 400
