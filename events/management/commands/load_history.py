from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from events.history.load import Asked, History
from events.spans import day_of


class Command(BaseCommand):
    help = "Writes made-up history straight into the database, to see how it does with millions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--events", type=int, default=1_000_000, help="how many events")
        parser.add_argument("--days", type=int, default=365, help="of how many days up to today")
        parser.add_argument(
            "--plates", type=int, help="how many distinct plates (default: a quarter of the events)"
        )
        parser.add_argument("--seed", type=int, default=1, help="the same seed, the same history")

    def handle(self, *args: Any, **options: Any) -> None:
        events, days = options["events"], options["days"]
        plates = options["plates"] or max(1, events // 4)
        if not (events >= 1 and 1 <= days <= 3650 and 1 <= plates <= events):
            raise CommandError("Expected events and days of at least 1, and no more plates.")
        asked = Asked(
            events=events,
            days=days,
            plates=plates,
            seed=options["seed"],
            end=day_of(timezone.now()),
        )
        started = time.monotonic()
        history = History(asked, self.stdout.write)
        history.load()
        seconds = time.monotonic() - started
        self.stdout.write(f"{history.written} events, {history.written / seconds:,.0f} a second.")
