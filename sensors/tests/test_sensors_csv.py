from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from anpr_project.lib.tests.admin_pages import list_page, staff
from cameras.tests.factories import make_camera
from models_cfg.tests.factories import make_model
from sensors.models import SensorKey, SensorSettings
from sensors.tests.factories import make_sensor

IMPORT = list_page(SensorSettings, "import_csv")
EXPORT = list_page(SensorSettings, "export_csv")


@pytest.mark.main_path
def test_sensors_refer_to_cameras_and_models_by_name(client: Client, db: None) -> None:
    staff(client, superuser=True)
    camera, model = make_camera(name="North"), make_model(name="reader", version="2")
    file = 'name,camera,models,settings\nedge-1,North,reader 2,"{""crop"": true}"\nedge-2,,,\n'
    preview = client.post(IMPORT, {"file": SimpleUploadedFile("sensors.csv", file.encode())})
    sent = {"content": preview.context["content"], "digest": preview.context["plan"].digest}
    assert client.post(IMPORT, sent).status_code == 302
    sensor = SensorSettings.objects.get(name="edge-1")
    assert (sensor.camera, list(sensor.models.all())) == (camera, [model])
    assert sensor.settings == {"crop": True}
    assert SensorSettings.objects.get(name="edge-2").settings == {}
    again = client.post(
        IMPORT, {"file": SimpleUploadedFile("sensors.csv", client.get(EXPORT).content)}
    )
    assert again.context["counts"]["unchanged"] == 2


def test_keys_are_not_exported(client: Client, db: None) -> None:
    staff(client, superuser=True)
    key, text = SensorKey.create_for(make_sensor())
    content = client.get(EXPORT).content.decode()
    assert key.key_id not in content
    assert key.digest not in content
    assert text not in content


def test_wrong_reference_and_settings_are_said_at_their_fields(client: Client, db: None) -> None:
    staff(client, superuser=True)
    make_sensor(name="twin")
    file = "name,camera,settings\nedge-1,Nowhere,{\n"
    preview = client.post(IMPORT, {"file": SimpleUploadedFile("sensors.csv", file.encode())})
    fields = [field for field, _ in preview.context["plan"].wrong[0].problems]
    assert fields == ["camera", "settings"]
