"""A canary in every secret: none of them may come back, by no door, nor lie in the database readable."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.serializers import deserialize
from django.db import connection
from django.test import Client
from knox.models import AuthToken

from anpr_project.lib.tests.admin_pages import list_page, page
from anpr_project.models import Authenticator, RecoveryCode
from anpr_project.tests.servers import postgres_tool
from audit.models import Action, AuditEntry
from cameras.models import Camera
from events.models import PlateEvent
from events.stream.dispatch import dispatch
from events.tests.conftest import make_sender
from events.tests.factories import picture, reading
from evidence.models import SigningKey
from exporters.delivery import fan_out
from exporters.models import Delivery, ExporterConfig
from exporters.tests.factories import make_exporter
from sensors.models import SensorKey, SensorSettings
from sensors.tests.factories import make_sensor

pytestmark = pytest.mark.django_db
PASSWORD = "Canary-password-1"
BODIES = {
    "basic": {"type": "basic", "username": "u", "password": "Canary-basic"},
    "bearer": {"type": "bearer", "token": "Canary-bearer"},
    "signature": {"type": "signature", "secret": "whsec_Q2FuYXJ5LXNpZ25hdHVyZS1zZWNyZXQhIQ=="},
}


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_superuser("admin", password=PASSWORD)


@pytest.fixture
def secrets(user: User) -> dict[str, str]:
    """Put a secret wherever one can be, and return each."""
    made = {kind: list(body.values())[-1] for kind, body in BODIES.items()}
    for kind, body in BODIES.items():
        make_exporter(body, name=f"exporter {kind}")
    camera = Camera.objects.create(name="North", rtsp_url="rtsp://u:Canary-rtsp@10.0.0.9/1")
    sensor = make_sensor(camera)
    made["sensor key"] = SensorKey.create_for(sensor)[1].rpartition("_")[2]
    made["token"] = AuthToken.objects.create(user=user)[1]
    made["authenticator"] = Authenticator.prepare_for(user).secret
    made["recovery code"] = RecoveryCode.objects.renew(user)[0]
    made["signing key"] = SigningKey.current().private_key
    return made | {"rtsp": "Canary-rtsp", "password": PASSWORD}


@pytest.fixture
def browser(user: User, secrets: dict[str, str]) -> Client:
    client = Client(raise_request_exception=False)
    form = {"username": "admin", "password": PASSWORD}
    assert client.post("/login?next=/account", form).status_code == 302
    secrets["session"] = str(client.cookies["sessionid"].value)
    return client


def found(secrets: dict[str, str], text: str) -> list[str]:
    assert len(text) > 200, text
    return [name for name, secret in secrets.items() if secret in text]


def paths() -> list[str]:
    rows = [*Camera.objects.all(), *SensorSettings.objects.all(), *ExporterConfig.objects.all()]
    rows += [User.objects.get()]
    lists = [Camera, SensorSettings, ExporterConfig, User, AuthToken]
    sensor = SensorSettings.objects.get().pk
    return [
        *["/account", "/account/password", "/live", "/metrics", "/schema", "/admin/"],
        *[f"/api/v1/config/{name}" for name in ("cameras", "sensors")],
        *["/api/v1/exporters", "/api/v1/evidence/keys", f"/api/v1/config/sensors/{sensor}/keys"],
        *["/admin/cameras/camera/export/", "/admin/sensors/sensorsettings/export/"],
        *[f"/api/v1/exporters/{row.pk}" for row in rows if isinstance(row, ExporterConfig)],
        *[list_page(model) for model in lists],
        *[page(row) for row in rows],
        *[page(row, "history") for row in rows],
    ]


def test_no_page_and_no_answer_shows_one(browser: Client, secrets: dict[str, str]) -> None:
    for path in paths():
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert found(secrets, answer.getvalue().decode() + " " * 200) == [], path


def test_refusals_and_errors_do_not_repeat_what_was_sent(
    browser: Client, secrets: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    said = []
    camera, exporter = Camera.objects.get(), ExporterConfig.objects.first()
    assert exporter is not None
    bodies: list[tuple[str, str, Any]] = [
        ("patch", f"/api/v1/config/cameras/{camera.pk}", {"rtsp_url": "http://u:Canary-rtsp@x"}),
        ("patch", f"/api/v1/exporters/{exporter.pk}", {"auth": BODIES["bearer"] | {"x": 1}}),
        ("post", "/api/v1/auth/token", {"username": "admin", "password": f"{PASSWORD}!"}),
        ("post", "/api/v1/auth/token", {"username": "admin", "otp": secrets["recovery code"]}),
    ]
    for method, path, body in bodies:
        answer = browser.generic(method.upper(), path, json.dumps(body), "application/json")
        assert 400 <= answer.status_code < 500, answer.content
        said.append(answer.content.decode())
    for header in (f"Token {secrets['token']}x", f"Api-Key anpr_sk_{secrets['sensor key']}"):
        answer = Client().get("/api/v1/events", headers={"Authorization": header})
        said.append(answer.content.decode())

    assert found(secrets, " ".join(said)) == []
    assert found(secrets, " ".join(str(vars(record)) for record in caplog.records)) == []


def test_neither_audit_nor_logs_nor_downloads_tell_one_that_was_given(
    browser: Client, secrets: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    bodies: list[tuple[str, Any]] = [
        (f"/api/v1/config/cameras/{row.pk}", {"rtsp_url": "rtsp://u:Canary-rtsp@10.0.0.9/2"})
        for row in Camera.objects.all()
    ]
    for row in ExporterConfig.objects.all():
        auth = BODIES[row.name.removeprefix("exporter ")]
        bodies.append((f"/api/v1/exporters/{row.pk}", {"auth": auth}))
    told = [browser.patch(path, body, "application/json") for path, body in bodies]
    assert [answer.status_code for answer in told] == [200] * 4
    written = AuditEntry.objects.filter(action=Action.CHANGED)
    assert len(written) == 4
    seen = [page(entry) for entry in written]
    told += [browser.get(path) for path in [*seen, list_page(AuditEntry), "/api/v1/events/export"]]

    assert found(secrets, " ".join(answer.getvalue().decode() for answer in told)) == []
    assert found(secrets, str(list(AuditEntry.objects.values()))) == []
    assert (
        found(secrets, " ".join(str(vars(record)) for record in caplog.records) + " " * 200) == []
    )


def test_the_database_and_its_dump_hold_none(browser: Client, secrets: dict[str, str]) -> None:
    out = io.StringIO()
    call_command("dumpdata", stdout=out)
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            rows += cursor.fetchall()

    assert found(secrets, out.getvalue()) == []
    assert found(secrets, str(rows)) == []


def everything_in(package: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(package)) as files:
        return " ".join([*files.namelist(), *(str(files.read(name)) for name in files.namelist())])


def test_no_download_of_reads_holds_one(
    browser: Client, secrets: dict[str, str], upload_dir: Path
) -> None:
    """Packages tell of camera, sensor, exporter and who looked: of all that has a secret beside it."""
    sender = make_sender(camera=Camera.objects.get(), name="second")
    secrets["key of the sender"] = sender.authorization.rpartition("_")[2]
    assert sender.send(reading(plate="QX77LKD"), frame=picture(), crop=picture()).status_code == 201
    dispatch(fan_out)
    event = PlateEvent.objects.get().pk
    paths = [f"/api/v1/events/export?format={kind}" for kind in ("csv", "json", "ndjson")]
    paths += [f"/api/v1/events/{event}"]
    paths += [page(Delivery.objects.latest("pk")), list_page(Delivery), list_page(PlateEvent)]
    packages = [f"/api/v1/events/evidence?event={event}", "/api/v1/plates/copy?plate=QX77LKD"]

    for path in paths + packages:
        answer = browser.get(path)
        assert answer.status_code == 200, path
        data = answer.getvalue()
        told = everything_in(data) if path in packages else data.decode()
        assert "QX77LKD" in told or path.startswith("/admin/"), path
        assert found(secrets, told + " " * 200) == [], path


def test_no_page_of_an_error_shows_one(
    browser: Client, secrets: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """Also when what fails has one in its hands: no answer and no log tells variables."""

    def fail() -> None:
        secret = secrets["rtsp"]
        raise RuntimeError(len(secret))

    monkeypatch.setattr("anpr_project.pages.statistics.filter_choices", fail)
    camera = Camera.objects.get().pk
    answers = {
        500: browser.get("/statistics"),
        404: browser.get(f"/{secrets['token']}x/nowhere"),
        403: Client(enforce_csrf_checks=True).post("/login", {"password": PASSWORD}),
        400: browser.get("/live", headers={"Host": "another.example"}),
        405: browser.get("/logout"),
        422: browser.patch(f"/api/v1/config/cameras/{camera}", "{", "application/json"),
    }
    kinds = {status: answer.status_code for status, answer in answers.items()}

    assert kinds == {500: 500, 404: 404, 403: 403, 400: 400, 405: 405, 422: 400}
    told = " ".join(answer.content.decode() for answer in answers.values())
    assert found(secrets, told) == []
    assert "RuntimeError" in caplog.text
    assert found(secrets, caplog.text + " " * 200) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="the other has a database in memory")
def test_a_backup_holds_none(browser: Client, secrets: dict[str, str], tmp_path: Path) -> None:
    tools = Path(postgres_tool("pg_dump")).parent
    call_command("backup", tmp_path, postgres_tools=tools)

    restored = subprocess.run(
        [tools / "pg_restore", "--file=-", tmp_path / "database.dump"],
        capture_output=True,
        check=True,
        text=True,
    )
    assert "exporter bearer" in restored.stdout
    assert found(secrets, restored.stdout) == []
    rest = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert found(secrets, str(rest)) == []


def test_a_dump_can_be_loaded_again(secrets: dict[str, str]) -> None:
    out = io.StringIO()
    call_command("dumpdata", "cameras", stdout=out)
    Camera.objects.update(rtsp_url="")

    for restored in deserialize("json", out.getvalue()):
        restored.save()

    assert Camera.objects.get().rtsp_url == "rtsp://u:Canary-rtsp@10.0.0.9/1"


def test_the_search_would_find_one(secrets: dict[str, str]) -> None:
    """The control: a secret that lies open is found."""
    Camera.objects.create(name="Canary-rtsp at the gate")

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM cameras_camera")
        assert found(secrets, str(cursor.fetchall())) == ["rtsp"]
