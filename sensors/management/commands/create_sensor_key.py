"""Makes a key for a sensor."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from sensors.models import SensorKey, SensorSettings


class Command(BaseCommand):
    help = "Make a key for a sensor and print it, and nothing else. It is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sensor", help="name or id of the sensor")
        parser.add_argument("--label", default="", help="what the key is for")

    def handle(self, *args: Any, sensor: str, label: str, **options: Any) -> None:
        found = SensorSettings.named(sensor)
        if found is None:
            raise CommandError("There is no sensor with this name or id.")
        try:
            SensorKey._meta.get_field("label").run_validators(label)
        except ValidationError as error:
            raise CommandError(f"--label: {' '.join(error.messages)}") from None
        _, text = SensorKey.create_for(found, label)
        self.stdout.write(text)
