from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from anpr_project.backup import back_up


class Command(BaseCommand):
    help = "Writes the database and the pictures into a folder, while everything runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="the same one again copies new pictures only")
        parser.add_argument(
            "--without-pictures",
            action="store_true",
            help="the object storage keeps versions or a second copy by itself",
        )
        parser.add_argument("--postgres-tools", type=Path, help="folder of pg_dump, if not on PATH")

    def handle(self, *args: Any, **options: Any) -> None:
        back_up(
            options["folder"],
            options["postgres_tools"],
            pictures=not options["without_pictures"],
        )
        self.stdout.write(
            f"Backed up to {options['folder']}. Keep ENCRYPTION_KEYS (or secrets.json) elsewhere: "
            "they are not in it."
        )
