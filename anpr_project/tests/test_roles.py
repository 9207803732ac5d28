"""The roles that the migration makes, and what they open."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from anpr_project.lib.tests.factories import make_user

pytestmark = pytest.mark.django_db
roles = import_module("anpr_project.migrations.0001_roles")
exporter_roles = import_module("anpr_project.migrations.0002_exporter_roles")
failed_sign_ins = import_module("anpr_project.migrations.0004_failed_sign_ins")

OWN_APPS = {
    "zones",
    "models_cfg",
    "cameras",
    "sensors",
    "events",
    "evidence",
    "exporters",
    "privacy",
}
WRITING = ("add", "change", "delete")
READ_ONLY_PATHS = ("/api/v1/events", "/api/v1/events/stats")
CONFIG_PATHS = (
    "/api/v1/config/cameras",
    "/api/v1/config/zones",
    "/api/v1/config/models",
    "/api/v1/config/sensors",
    "/api/v1/exporters",
)


def permissions_of(role: str) -> set[str]:
    rows = Permission.objects.filter(group__name=role).select_related("content_type")
    return {f"{row.content_type.app_label}.{row.codename}" for row in rows}


def logged_in(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.mark.main_path
def test_administrators_hold_every_permission_of_our_apps() -> None:
    every = {
        f"{row.content_type.app_label}.{row.codename}"
        for row in Permission.objects.select_related("content_type")
        if row.content_type.app_label in OWN_APPS | {"auth", "knox"}
    }

    assert every - permissions_of("Administrators") == set()


def test_administrators_see_failed_sign_ins_and_unlock() -> None:
    held = {name for name in permissions_of("Administrators") if name.startswith("axes.")}

    assert held == {"axes.view_accessattempt", "axes.delete_accessattempt"}


def test_viewers_may_see_events_and_nothing_else() -> None:
    assert permissions_of("Viewers") == {"events.view_plateevent"}


def test_operators_may_see_events_and_the_state_of_exporters() -> None:
    held = permissions_of("Operators")

    assert {"events.view_plateevent", "exporters.view_workerheartbeat"} <= held
    assert {"exporters.view_exporterconfig", "exporters.view_delivery"} <= held
    assert "exporters.redeliver" in held
    assert {name for name in held if not name.startswith("exporters.")} == {
        "events.view_plateevent"
    }
    assert not {name for name in held if any(f".{verb}_" in name for verb in WRITING)}


def test_running_the_migration_again_changes_nothing_and_keeps_what_was_added() -> None:
    extra = Permission.objects.get(codename="view_camera")
    Group.objects.get(name="Viewers").permissions.add(extra)
    before = {role: permissions_of(role) for role in roles.ROLES}

    with connection.schema_editor() as editor:
        roles.create_roles(apps, editor)
        exporter_roles.extend_roles(apps, editor)
        failed_sign_ins.extend_administrators(apps, editor)

    assert {role: permissions_of(role) for role in roles.ROLES} == before
    assert Group.objects.count() == 3


@pytest.mark.main_path
def test_an_administrator_may_configure_everything_without_being_superuser() -> None:
    client = logged_in(make_user(role="Administrators"))

    answers = {path: client.get(path).status_code for path in CONFIG_PATHS + READ_ONLY_PATHS}
    created = client.post("/api/v1/config/cameras", {"name": "North gate"})

    assert set(answers.values()) == {200}, answers
    assert created.status_code == 201, created.content


@pytest.mark.parametrize("role", ["Viewers", "Operators"])
@pytest.mark.parametrize("path", CONFIG_PATHS)
def test_other_roles_may_not_write_the_configuration(role: str, path: str) -> None:
    client = logged_in(make_user(role=role))

    response = client.post(path, {"name": "North gate"})

    assert response.status_code == 403
    assert response.json()["code"] == "permission_denied"


@pytest.mark.parametrize("role", ["Viewers", "Operators"])
@pytest.mark.parametrize("path", READ_ONLY_PATHS)
def test_every_role_may_read_events(role: str, path: str) -> None:
    assert logged_in(make_user(role=role)).get(path).status_code == 200


@pytest.mark.parametrize("path", CONFIG_PATHS + READ_ONLY_PATHS)
def test_a_user_without_role_may_nothing_and_a_stranger_less(
    path: str, anonymous: APIClient
) -> None:
    assert logged_in(make_user()).get(path).status_code == 403
    assert anonymous.get(path).status_code == 401


@pytest.mark.main_path
def test_permissions_of_oneself_and_of_groups_count_alike_and_cost_one_statement() -> None:
    own, other = Permission.objects.filter(codename__in=["view_zone", "view_camera"])
    user, group = make_user("alice", role="Viewers"), Group.objects.create(name="More")
    user.user_permissions.add(own, other)
    group.permissions.add(other)
    user.groups.add(group)
    expected = {f"{row.content_type.app_label}.{row.codename}" for row in (own, other)}
    expected |= permissions_of("Viewers")

    with CaptureQueriesContext(connection) as captured:
        asked = User.objects.get(pk=user.pk)
        assert asked.has_perms(expected)
        assert not asked.has_perm("zones.change_zone")

    assert asked.get_all_permissions() == expected
    assert len(captured) == 2  # the user, what it may
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert User.objects.get(pk=user.pk).get_all_permissions() == set()
