from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rest_framework.exceptions import APIException

from anpr_project.lib.auditing import write_down_command
from anpr_project.lib.reasons import checked
from audit.models import Action
from evidence.models import SigningKey
from evidence.package import Order, Package
from evidence.selection import chosen, subject_of


class Command(BaseCommand):
    help = "Write a signed evidence package of some events, or of all that a search finds."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("events", nargs="*", type=int, metavar="EVENT", help="ids of events")
        parser.add_argument("--query", default="", help="filters as in the API: plate=AB12CDE&…")
        parser.add_argument(
            "--reason", default="", help="why; demanded where REQUIRE_SEARCH_REASON is"
        )
        parser.add_argument(
            "--output", required=True, type=Path, help="the ZIP, which must not exist"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not (options["events"] or options["query"]):
            raise CommandError("Say which events: ids, or --query.")
        if settings.REQUIRE_SEARCH_REASON and not options["reason"]:
            raise CommandError("Say why, with --reason: this installation demands it.")
        try:
            self._make(**options)
        except APIException as error:
            raise CommandError(str(error.detail)) from None
        except FileExistsError:
            raise CommandError(f"{options['output']} exists already.") from None

    def _make(self, *, events: list[int], query: str, reason: str, output: Path, **_: Any) -> None:
        reason = checked(reason, "reason") if reason else ""
        asked = parse_qs(query, keep_blank_values=True)
        if events:
            asked["event"] = [str(pk) for pk in events]
        found = chosen(asked)
        key = SigningKey.current().readable()
        # Readable by whoever runs this only.
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            subject = subject_of(found) | {"file": output.name}
            name = write_down_command(Action.EVIDENCE, subject, reason=reason, found=len(found))
            package = Package(Order(found, timezone.now(), name, reason, asked), key)
            file.writelines(package.pieces())
        if not package.is_whole:
            raise CommandError(f"{output} is not whole: the log says why.")
        self.stdout.write(f"{output}: {len(found)} events, signed with key {key.key_id}")
