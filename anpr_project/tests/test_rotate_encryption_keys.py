from __future__ import annotations

import io
import json

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from anpr_project.management.commands import rotate_encryption_keys
from cameras.models import Camera
from cameras.tests.factories import make_camera
from exporters.models import ExporterConfig
from exporters.tests.factories import make_exporter

pytestmark = pytest.mark.django_db
URL = "rtsp://viewer:s3cret@192.0.2.1/stream"
AUTH = {"type": "bearer", "token": "canary"}


def stored(table: str, column: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} ORDER BY id")  # noqa: S608
        return [row[0] for row in cursor.fetchall()]


def rotate() -> str:
    out = io.StringIO()
    call_command("rotate_encryption_keys", stdout=out)
    return out.getvalue()


@pytest.mark.main_path
def test_every_secret_is_readable_with_the_new_key_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate_encryption_keys, "BATCH", 2)
    for _ in range(5):
        make_camera(rtsp_url=URL)
    make_camera()
    exporter = make_exporter(auth=AUTH)
    new = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new, *settings.ENCRYPTION_KEYS]

    out = rotate()

    assert "cameras.Camera.rtsp_url: 5 encrypted anew, 0 that no key opens" in out
    assert "exporters.ExporterConfig.auth: 1 encrypted anew, 0 that no key opens" in out
    assert "s3cret" not in out
    settings.ENCRYPTION_KEYS = [new]
    assert list(Camera.objects.values_list("rtsp_url", flat=True)) == [URL] * 5 + [""]
    exporter.refresh_from_db()
    assert json.loads(exporter.auth) == AUTH


def test_what_no_key_opens_is_counted_and_left_as_it_is(settings: Settings) -> None:
    make_exporter(auth=AUTH)
    lost = stored("exporters_exporterconfig", "auth")
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    make_camera(rtsp_url=URL)

    with pytest.raises(CommandError, match="1 secrets could not be opened"):
        rotate()

    assert stored("exporters_exporterconfig", "auth") == lost
    assert Camera.objects.get().rtsp_url == URL


def test_a_secret_that_changed_meanwhile_is_not_overwritten() -> None:
    exporter = make_exporter(auth=AUTH)
    [field] = [
        field
        for model, field in rotate_encryption_keys.encrypted_fields()
        if model is ExporterConfig
    ]
    rotation = rotate_encryption_keys.Rotation(ExporterConfig, field)
    [(pk, token)] = rotation._batch(0)
    exporter.auth = json.dumps({"type": "none"})
    exporter.save(update_fields=["auth"])

    with connection.cursor() as cursor:
        rotation._rotate(cursor, pk, token)

    exporter.refresh_from_db()
    assert (rotation.done, json.loads(exporter.auth)) == (0, {"type": "none"})
