from __future__ import annotations

import pytest
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from sensors.authentication import IsSensor, SensorKeyAuthentication
from sensors.credentials import Credential
from sensors.models import SensorKey
from sensors.tests.factories import make_key, make_sensor


def request_with(header: str) -> Request:
    request = APIRequestFactory().get("/", headers={"Authorization": header})
    return Request(request, authenticators=[SensorKeyAuthentication()])


@pytest.mark.main_path
@pytest.mark.parametrize("scheme", ["Api-Key", "api-key", "API-KEY"])
def test_key_names_its_sensor_and_notes_its_use(db: None, scheme: str) -> None:
    sensor = make_sensor()
    request = request_with(f"{scheme} {make_key(sensor).partition(' ')[2]} ")
    assert isinstance(request.auth, Credential)
    assert request.auth.sensor == sensor
    assert not request.user.is_authenticated
    assert SensorKey.objects.get().last_used_at is not None
    assert IsSensor().has_permission(request, APIView())


@pytest.mark.parametrize(
    "text",
    [
        *["", "x", "anpr_sk_", "anpr_sk_a", "anpr_sk__b", "anpr_sk_a_b_c", "anpr_sk_a_b"],
        *["anpr_sk_\xff_b", "anpr_sk_%00_b", "x" * 10_000],
    ],
    ids=range(10),
)
def test_what_is_no_key_is_refused_with_one_message(db: None, text: str) -> None:
    make_key(make_sensor())
    with pytest.raises(AuthenticationFailed, match="This API key is not valid"):
        _ = request_with(f"Api-Key {text}").auth


def test_wrong_secret_and_revoked_key_are_refused(db: None) -> None:
    header = make_key(make_sensor())
    wrong = header[:-1] + ("0" if header[-1] != "0" else "1")
    with pytest.raises(AuthenticationFailed):
        _ = request_with(wrong).auth
    SensorKey.objects.get().revoke()
    with pytest.raises(AuthenticationFailed):
        _ = request_with(header).auth


def test_disabled_sensor_and_other_schemes_are_not_admitted(db: None) -> None:
    assert not IsSensor().has_permission(
        request_with(make_key(make_sensor(enabled=False))), APIView()
    )
    other = request_with("Token abc")
    assert other.auth is None
    assert not IsSensor().has_permission(other, APIView())
