from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.pictures.orphans import sweep_orphans
from events.retention.deletion import BATCH, expire


class Command(BaseCommand):
    help = "Deletes events and pictures that are past their retention, and orphaned pictures."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--days", type=int, help="instead of RETENTION_DAYS, for zones without own days"
        )
        parser.add_argument(
            "--batch", type=int, default=BATCH, help="events per transaction, at most"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        days: int | None = options["days"]
        if (days is not None and days < 0) or options["batch"] < 1:
            raise CommandError("--days must not be negative, --batch must be positive.")
        deleted = sum(expire(days, batch=options["batch"]))
        swept = sweep_orphans()
        self.stdout.write(f"{deleted} events and {swept} orphaned pictures deleted.")
