from __future__ import annotations

from argparse import ArgumentParser
from functools import partial
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError
from rest_framework.exceptions import APIException

from anpr_project.lib.auditing import write_down_command
from anpr_project.lib.reasons import checked
from audit.models import Action
from privacy.erasure import Erasure, Report
from privacy.kept import Kept, kept_about
from privacy.request import plates_of


class Command(BaseCommand):
    help = "Erase all events of a plate, with pictures, deliveries and counts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("plate", help="in any spelling; exactly this one")
        parser.add_argument("--also", nargs="*", default=[], help="misreads of it to erase as well")
        parser.add_argument("--reason", required=True, help="why, and who asked for it")
        parser.add_argument("--dry-run", action="store_true", help="only tell what there is")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = self._erase(**options)
        except APIException as error:
            raise CommandError(str(error.detail)) from None
        self.stdout.write(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())

    def _erase(
        self, *, plate: str, also: list[str], reason: str, dry_run: bool, **_: Any
    ) -> Report | Kept:
        plates, why = plates_of(plate, also), checked(reason, "reason")
        erasure = Erasure(plates, partial(write_down_command, reason=why))
        if not dry_run:
            return erasure.run()
        kept = kept_about(plates)
        erasure.write(Action.ERASURE, erasure.subject(dry_run=True), found=kept.events)
        return kept
