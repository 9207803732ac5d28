from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from anpr_project.backup import finish, missing_pictures, restore


class Command(BaseCommand):
    help = "Puts a backup into an empty installation, before its start."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, nargs="?")
        parser.add_argument("--postgres-tools", type=Path, help="folder of pg_restore")
        parser.add_argument(
            "--finish",
            action="store_true",
            help="database and pictures were restored by other means: do the rest",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["finish"]:
            finish()
        elif options["folder"] is None:
            raise CommandError("Say which folder, or --finish.")
        else:
            restore(options["folder"], options["postgres_tools"])
        missing = missing_pictures()
        self.stdout.write(f"Restored. {missing} pictures are missing." if missing else "Restored.")
