from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from evidence.models import SigningKey


class Command(BaseCommand):
    help = "Print the public keys that verify evidence packages and heads of the audit log."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--rotate", action="store_true", help="make a new signing key; old public keys are kept"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        (SigningKey.rotate if options["rotate"] else SigningKey.current)()
        for key in SigningKey.objects.all():
            until = f"until {key.retired_at:%Y-%m-%d %H:%M} UTC" if key.retired_at else "in use"
            self.stdout.write(
                f"{key.public_key}  {key.key_id}, since {key.created_at:%Y-%m-%d %H:%M} UTC, {until}"
            )
