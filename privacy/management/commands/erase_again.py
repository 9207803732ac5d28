from __future__ import annotations

from argparse import ArgumentParser, FileType
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError

from anpr_project.lib.auditing import write_down_command
from events.models import KnownPlate
from events.search.similar import unseen_plates
from privacy.digest import digests
from privacy.erasure import Erasure, Held
from privacy.erasure_log import erasure_log, noted_erasures

REASON = "erased before, and restored from a backup"


class Command(BaseCommand):
    help = "Erase what was erased before and came back with a restored backup."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "files",
            nargs="*",
            type=FileType(),
            help="texts that hold the lines of erasures (default: erasures.log in DATA_DIR); - is the input",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        noted = noted_erasures(_lines(options["files"]) if options["files"] else self._own())
        found = self._known(noted)
        events, held = 0, list[str]()
        for plate, at in found.items():
            try:
                write = partial(write_down_command, reason=REASON)
                events += Erasure([plate], write, until=at).run().events
            except Held as error:
                held += error.names
        self.stdout.write(
            f"{len(noted)} plates were erased, {len(found)} are known again: {events} events erased."
        )
        if held:
            raise CommandError(f"Not erased, for a legal hold keeps them: {', '.join(held)}")

    def _own(self) -> list[str]:
        path = erasure_log()
        if not path.exists():
            raise CommandError(
                f"{path} is not there: name a file, or the log, that has the erasures."
            )
        return path.read_text().splitlines()

    def _known(self, noted: Mapping[str, datetime]) -> dict[str, datetime]:
        """Return when each known plate was erased; a digest leads to no plate, so each is tried."""
        known = KnownPlate.objects.values_list("plate", flat=True).iterator(5000)
        return {
            plate: max(noted[one] for one in digests(plate) if one in noted)
            for plate in chain(unseen_plates(), known)
            if not noted.keys().isdisjoint(digests(plate))
        }


def _lines(files: Sequence[TextIO]) -> Iterator[str]:
    for file in files:
        with file:
            yield from file
