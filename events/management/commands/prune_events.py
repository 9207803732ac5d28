from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from events.expired_months import drop_months
from events.retention import BATCH, cutoff, prune_batch, sweep_orphans


class Command(BaseCommand):
    help = "Deletes events older than RETENTION_DAYS with their pictures, and orphaned pictures."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, help="instead of RETENTION_DAYS")
        parser.add_argument("--batch", type=int, default=BATCH, help="events per transaction")

    def handle(self, *args: Any, **options: Any) -> None:
        days = settings.RETENTION_DAYS if options["days"] is None else options["days"]
        if days < 0 or options["batch"] < 1:
            raise CommandError("--days must not be negative, --batch must be positive.")
        before = cutoff(days)
        deleted = sum(drop_months(before))
        while batch := prune_batch(before, options["batch"]):
            deleted += batch
        swept = sweep_orphans()
        self.stdout.write(f"{deleted} events and {swept} orphaned pictures deleted.")
