from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.chain import Head, first_faults
from audit.models import AuditEntry

SHOWN = 20


def head(text: str) -> Head:
    found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text)
    if found is None:
        raise ArgumentTypeError("expected a head as it was logged: SEQUENCE:HASH")
    return Head(int(found[1]), found[2])


class Command(BaseCommand):
    help = "Check that no audit entry was altered, removed or put in another order."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--head",
            type=head,
            help="a head that was noted down before (the worker logs it each hour): tells whether the end was cut off",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        faults = first_faults(options["head"], SHOWN)
        for fault in faults:
            self.stderr.write(f"entry {fault.sequence}: {fault.problem}")
        if faults:
            raise CommandError("The audit log was tampered with.")
        waiting = AuditEntry.objects.unsealed().count()
        current = Head.current()
        self.stdout.write(f"{current.sequence} entries are as they were written.")
        if waiting:
            self.stdout.write(f"{waiting} are not sealed yet: the worker does that each second.")
        self.stdout.write(f"head {current}")
