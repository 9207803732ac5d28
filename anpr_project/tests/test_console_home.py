"""The first page of the admin site: what it tells, to whom, and that it stays cheap."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from anpr_project.lib.tests.admin_pages import staff
from anpr_project.lib.tests.factories import make_user
from cameras.models import Camera
from cameras.tests.factories import make_camera
from events.stream.dispatch import dispatch
from events.tests.rows import NOON, build_event, make_event, store
from exporters.models import WorkerHeartbeat
from exporters.tests.factories import make_delivery, make_exporter
from sensors.models import SensorSettings
from sensors.tests.factories import make_sensor

pytestmark = pytest.mark.django_db
HOME = "/admin/"
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)


@pytest.fixture
def admin(client: Client) -> Client:
    staff(client, superuser=True)
    return client


def figures(client: Client) -> dict[str, Any]:
    response = client.get(HOME)
    assert response.status_code == 200
    return {figure.title: figure for figure in response.context["figures"]}


def read_at(sensor: SensorSettings, *moments: datetime) -> None:
    store(
        build_event(sensor, f"P{number}", captured_at=moment)
        for number, moment in enumerate(moments)
    )
    dispatch()


def hourly(start: datetime, end: datetime, reads: int) -> list[datetime]:
    step = timedelta(hours=1) / reads
    return [start + step * number for number in range(int((end - start) / step))]


@pytest.mark.main_path
def test_todays_reads_stand_beside_those_of_yesterday_at_this_time(client: Client) -> None:
    sensor = make_sensor()
    with time_machine.travel(NOON + timedelta(minutes=30), tick=False):
        staff(client, superuser=True)
        today = [NOON - timedelta(hours=11), NOON]
        later_yesterday = NOON - DAY + timedelta(minutes=31)
        yesterday = [NOON - DAY - timedelta(hours=12), NOON - DAY + timedelta(minutes=29)]
        read_at(sensor, *today, later_yesterday, *yesterday, NOON - 2 * DAY)
        figure = figures(client)["Reads today"]
        chart = json.loads(client.get(HOME).context["chart"]["data"])
    assert (figure.value, figure.note) == ("2", "2 at this time yesterday")
    now, before = (one["data"] for one in chart["datasets"])
    assert (sum(now), now[-1], sum(before), before[-1]) == (2, 1, 3, 2)
    assert chart["labels"][-1] == "12:00"


def test_day_begins_at_midnight_of_the_servers_time_zone(
    client: Client, settings: Settings
) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"  # 13 hours ahead: midnight is 11:00 UTC
    with time_machine.travel(NOON, tick=False), timezone.override("Pacific/Auckland"):
        staff(client, superuser=True)
        hours = (timedelta(minutes=30), timedelta(minutes=59), timedelta(minutes=61))
        read_at(make_sensor(), *(NOON - hour for hour in hours))
        assert figures(client)["Reads today"].value == "2"


@pytest.mark.main_path
def test_camera_is_silent_when_the_same_time_a_week_before_had_reads(client: Client) -> None:
    now = NOON + timedelta(minutes=30)
    with time_machine.travel(now, tick=False):
        staff(client, superuser=True)
        broken, quiet, busy = (make_camera(name=name) for name in ("Broken", "Quiet", "Busy"))
        Camera.objects.update(created_at=now - 9 * WEEK)
        for camera in (broken, quiet, busy):
            sensor = make_sensor(camera)
            # Until two hours ago; the week before, all day long.
            reads = 1 if camera == quiet else 20
            read_at(sensor, *hourly(NOON - WEEK - DAY, NOON - WEEK + DAY, reads))
            read_at(sensor, NOON - timedelta(hours=2))
            if camera == busy:
                read_at(sensor, now - timedelta(minutes=1))
        response = client.get(HOME)
        [silence] = response.context["silences"]
        assert (silence.camera, silence.since) == (broken, NOON - timedelta(hours=2))
        assert silence.usual == 50  # two and a half hours
        assert figures(client)["Silent cameras"].alarming
        Camera.objects.filter(pk=broken.pk).update(enabled=False)
        assert client.get(HOME).context["silences"] == []


def test_night_without_reads_is_no_fault_and_a_dead_camera_stays_one(client: Client) -> None:
    with time_machine.travel(NOON, tick=False):
        staff(client, superuser=True)
        office, dead = make_camera(name="Office"), make_camera(name="Dead")
        Camera.objects.update(created_at=NOON - 9 * WEEK)
        for week in (1, 2):  # closed since Friday 18:00, as every weekend
            friday = NOON - week * WEEK - timedelta(hours=18)
            read_at(make_sensor(office), *hourly(friday - timedelta(hours=9), friday, 20))
        read_at(make_sensor(office), NOON - timedelta(hours=18))
        # Silent for three weeks and a day: measured by the week before.
        end = NOON - 3 * WEEK - DAY
        read_at(make_sensor(dead), *hourly(end - WEEK, end, 1))
        silences = client.get(HOME).context["silences"]
    assert [(one.camera.name, one.usual) for one in silences] == [("Dead", 167)]


def test_camera_that_is_new_is_compared_with_the_day_before(client: Client) -> None:
    with time_machine.travel(NOON, tick=False):
        staff(client, superuser=True)
        sensor = make_sensor()
        Camera.objects.update(created_at=NOON - 2 * DAY)
        read_at(sensor, *hourly(NOON - 2 * DAY, NOON - timedelta(hours=3), 10))
        [silence] = client.get(HOME).context["silences"]
    assert silence.usual in (30, 31)


def test_clocks_exporters_disk_and_worker_are_told_with_a_way_to_act(admin: Client) -> None:
    early, late, fine = make_sensor(name="Early"), make_sensor(name="Late"), make_sensor()
    offsets = ((early, -7.0), (late, 600.0), (fine, 1.0))
    for sensor, offset in offsets:
        SensorSettings.objects.filter(pk=sensor.pk).update(
            clock_offset_s=offset, last_seen_at=timezone.now()
        )
    broken = make_exporter(name="Broken", failures=9)
    make_delivery(broken, make_event(), state="dead")
    make_delivery(broken, make_event())
    WorkerHeartbeat.beat(name="w", pid=1)
    content = admin.get(HOME).content.decode()
    for text in ("Early", "-7.0 s", "Late", "+10 min", "open circuit"):
        assert text in content
    assert f"exporter__id__exact={broken.pk}&amp;state=dead" in content
    shown = figures(admin)
    assert (shown["Sensors off in time"].value, shown["Deliveries waiting"].value) == (2, "1")
    assert (shown["Deliveries waiting"].note, shown["Worker"].value) == ("1 dead letters", "alive")
    assert shown["Disk left"].value.endswith("B")
    WorkerHeartbeat.objects.update(beat_at=timezone.now() - timedelta(minutes=1))
    assert figures(admin)["Worker"].alarming


def test_page_costs_the_same_few_statements_however_much_there_is(
    admin: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        sensor = make_sensor()
        read_at(sensor, timezone.now() - timedelta(hours=number + 1))
        make_exporter()
    SensorSettings.objects.update(clock_offset_s=99)
    with django_assert_max_num_queries(15):
        admin.get(HOME)


@pytest.mark.parametrize(
    ("role", "shown"),
    [
        ("Viewers", {"Reads today"}),
        ("Operators", {"Reads today", "Deliveries waiting", "Disk left", "Worker"}),
        (
            "Administrators",
            {
                *("Reads today", "Silent cameras", "Sensors off in time", "Deliveries waiting"),
                *("Disk left", "Worker"),
            },
        ),
    ],
)
def test_each_role_sees_its_part_and_its_places(client: Client, role: str, shown: set[str]) -> None:
    make_exporter(name="Secret sink")
    client.force_login(make_user("someone", role=role, is_staff=True))
    assert set(figures(client)) == shown
    response = client.get(HOME)
    assert ("Secret sink" in response.content.decode()) == (role != "Viewers")
    links = {
        item["title"] for group in response.context["sidebar_navigation"] for item in group["items"]
    }
    assert ("Cameras" in links) == (role == "Administrators")
    assert {"Overview", "Live", "Events"} <= links
    for group in response.context["sidebar_navigation"]:
        for item in group["items"]:
            assert client.get(item["link"]).status_code == 200, item


def test_staff_without_a_role_are_told_so(client: Client) -> None:
    staff(client)
    assert "Your roles show nothing here" in client.get(HOME).content.decode()


def test_empty_installation_says_what_to_do_next(admin: Client) -> None:
    content = admin.get(HOME).content.decode()
    assert "No camera yet" in content
    assert "make demo" in content
    assert "/admin/cameras/camera/add/" in content
    make_camera()
    assert "No camera yet" not in admin.get(HOME).content.decode()
