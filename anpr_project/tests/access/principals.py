"""Everybody who may come to a door, and what is behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client
from knox.models import AuthToken

from anpr_project.lib.tests.factories import make_user
from anpr_project.models import Session
from audit.models import AuditEntry
from cameras.models import Camera
from events.models import LegalHold, PlateEvent
from events.tests.factories import multipart, picture, reading
from exporters.models import DeliveryAttempt
from exporters.tests.factories import make_delivery, make_exporter
from models_cfg.tests.factories import make_model
from sensors.models import SensorKey, SensorSettings
from sensors.tests.factories import make_key, make_sensor
from zones.tests.factories import make_zone


@dataclass(frozen=True)
class Principal:
    """Comes with a header, with a session, or with neither."""

    name: str
    authorization: str = ""
    session: str = ""

    def clients(self, *, is_page: bool) -> list[Client]:
        """Return how it may come, each time anew: pages know sessions only, the API both."""
        by_header = Client(
            headers={"Authorization": self.authorization} if self.authorization else {}
        )
        by_cookie = Client()
        by_cookie.cookies[settings.SESSION_COOKIE_NAME] = self.session
        if not self.session:
            return [by_header]
        return [by_cookie] if is_page else [by_cookie, by_header]


@dataclass
class World:
    """One row of everything; `ids` holds what fills the parameters of the routes below a prefix."""

    principals: list[Principal] = field(default_factory=list)
    ids: dict[str, dict[str, Any]] = field(default_factory=dict)
    pictures: Path = field(default_factory=lambda: settings.UPLOAD_DIR)

    def add(self, name: str, user: User) -> None:
        _, token = AuthToken.objects.create(user=user)
        browser = Client()
        browser.force_login(user)
        session = browser.cookies[settings.SESSION_COOKIE_NAME].value
        self.principals.append(Principal(name, f"Token {token}", session))

    def path(self, route: str) -> str:
        """Fill the parameters of a route."""
        prefix = max((p for p in self.ids if route.startswith(p)), key=len, default="")
        path = route
        for name, value in self.ids.get(prefix, {}).items():
            for kind in ("int:", "str:", "path:", "slug:", ""):
                path = path.replace(f"<{kind}{name}>", str(value))
        return path


def make_world() -> World:
    world = World()
    sensor, other = make_sensor(), make_sensor()
    key, others_key = make_key(sensor), make_key(other)
    _people(world, key, others_key, _revoked_key(sensor))
    camera = sensor.camera
    assert camera is not None
    _things(world, _event(key), camera, sensor)
    return world


def _revoked_key(sensor: SensorSettings) -> str:
    key, text = SensorKey.create_for(sensor)
    key.revoke()
    return f"Api-Key {text}"


def _people(world: World, key: str, others_key: str, revoked_key: str) -> None:
    world.principals += [Principal("anon"), Principal("sensor", key)]
    world.principals.append(Principal("other", others_key))
    for name, role, is_staff in (
        ("viewer", "Viewers", False),
        ("operator", "Operators", False),
        ("admin", "Administrators", True),
        ("staff", None, True),
    ):
        world.add(name, make_user(role=role, is_staff=is_staff))
    # What once opened: each of them must be as good as nothing.
    world.principals.append(Principal("void", revoked_key))
    for change in ("revoke", "disable"):
        user = make_user(role="Administrators", is_staff=True)
        world.add("void", user)
        if change == "revoke":
            AuthToken.objects.filter(user=user).delete()
            Session.objects.filter(user=user).delete()
        else:
            User.objects.filter(pk=user.pk).update(is_active=False)


def _event(key: str) -> PlateEvent:
    # A plate that stands in no example.
    body = multipart(reading(plate="QX77 LKD"), frame=picture(), crop=picture())
    answer = Client().post("/api/v1/events/ingest", headers={"Authorization": key}, **body)
    assert answer.status_code == 201, answer.content
    return PlateEvent.objects.get(pk=answer.json()["id"])


def _things(world: World, event: PlateEvent, camera: Camera, sensor: SensorSettings) -> None:
    exporter = make_exporter(config={"url": "http://127.0.0.1:9/"})
    delivery = make_delivery(exporter, event)
    attempt = DeliveryAttempt.objects.create(
        delivery=delivery, started_at=datetime.now(UTC), duration_ms=1, succeeded=False
    )
    spare = AuthToken.objects.create(user=make_user())[0]
    tried = AccessAttempt.objects.create(username="x", failures_since_start=1)
    entry = AuditEntry.objects.create(at=datetime.now(UTC), channel="api", action="search")
    hold = LegalHold.objects.create(name="Case 1", reason="asked for", plate="AB*")
    role, user = Group.objects.get(name="Viewers"), make_user()
    zone, model = make_zone(), make_model()
    sensor_key = sensor.keys.first()
    assert sensor_key is not None
    world.ids = {
        "/events/": {"pk": event.pk},
        "/api/v1/events/": {"pk": event.pk},
        "/api/v1/holds/": {"pk": hold.pk},
        "/api/v1/config/zones/": {"pk": zone.pk},
        "/api/v1/config/models/": {"pk": model.pk},
        "/api/v1/config/cameras/": {"pk": camera.pk},
        "/api/v1/config/sensors/": {"pk": sensor.pk, "key": sensor_key.key_id},
        "/api/v1/exporters/": {"pk": exporter.pk, "delivery": delivery.pk},
        "/account/sessions/": {"key": "a" * 40},
        "/account/tokens/": {"digest": "a" * 128},
        "/admin/sensors/sensorsettings/<int:sensor_id>/keys/": {
            "sensor_id": sensor.pk,
            "key_id": sensor_key.pk,
        },
    }
    for row in (
        *(zone, model, camera, sensor, event, exporter, delivery, attempt),
        *(user, role, spare, tried, entry, hold),
    ):
        meta = row._meta
        prefix = f"/admin/{meta.app_label}/{meta.model_name}/"
        world.ids[prefix] = {"object_id": row.pk, "id": row.pk}
