from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from sensors.models import SensorKey
from sensors.tests.factories import make_sensor


@pytest.mark.main_path
@pytest.mark.parametrize("by", ["name", "pk"])
def test_command_prints_the_key_and_nothing_else(
    db: None, capsys: pytest.CaptureFixture[str], by: str
) -> None:
    sensor = make_sensor()
    call_command("create_sensor_key", str(getattr(sensor, by)), label="spare")
    text = capsys.readouterr().out
    assert text.count("\n") == 1
    key = SensorKey.objects.matching(text.strip())
    assert key is not None
    assert (key.sensor, key.label) == (sensor, "spare")


def test_name_goes_before_number(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    first = make_sensor()
    second = make_sensor(name=str(first.pk))
    call_command("create_sensor_key", str(first.pk))
    assert SensorKey.objects.get().sensor == second


@pytest.mark.parametrize("name", ["nobody", "0", "9" * 30, ""])
def test_unknown_sensor_is_said(db: None, name: str) -> None:
    make_sensor()
    with pytest.raises(CommandError, match="no sensor"):
        call_command("create_sensor_key", name)
    assert not SensorKey.objects.exists()


@pytest.mark.parametrize("label", ["x" * 101, "a\x1bb"])
def test_wrong_label_is_said(db: None, label: str) -> None:
    sensor = make_sensor()
    with pytest.raises(CommandError, match="--label"):
        call_command("create_sensor_key", sensor.name, label=label)
    assert not SensorKey.objects.exists()
