from __future__ import annotations

import pytest
from django.test import Client

from anpr_project.lib.tests.admin_pages import list_page, page, shown_form, staff
from models_cfg.models import ModelConfig
from models_cfg.tests.factories import make_model


@pytest.mark.main_path
def test_model_is_made_listed_and_changed(client: Client, db: None) -> None:
    staff(client, superuser=True)
    form = {"name": "reader", "version": "1", "model_type": "ocr", "weights_path": "/m.onnx"}
    assert client.post(list_page(ModelConfig, "add"), form | {"parameters": ""}).status_code == 302
    model = ModelConfig.objects.get()
    assert (model.parameters, model.enabled) == ({}, False)
    assert b"reader" in client.get(list_page(ModelConfig), {"model_type": "ocr"}).content
    shown = shown_form(client, page(model)) | {"parameters": '{"top_n": 3}'}
    assert client.post(page(model), shown).status_code == 302
    model.refresh_from_db()
    assert model.parameters == {"top_n": 3}


def test_wrong_parameters_and_a_known_version_are_said(client: Client, db: None) -> None:
    staff(client, superuser=True)
    model = make_model(name="a", version="1")
    form = {"name": "a", "version": "1", "model_type": "ocr", "weights_path": "/m"}
    response = client.post(list_page(ModelConfig, "add"), form | {"parameters": '{"typo": 1}'})
    assert "parameters" in response.context["adminform"].form.errors
    response = client.post(list_page(ModelConfig, "add"), form | {"parameters": "{}"})
    assert "already exists" in str(response.context["adminform"].form.errors)
    assert list(ModelConfig.objects.all()) == [model]
