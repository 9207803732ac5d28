from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.chain import Fault, Head, first_faults
from audit.models import AuditEntry
from evidence.heads import SignedHead, heads_file, heads_in
from evidence.models import SigningKey

SHOWN = 20


def head(text: str) -> Head:
    found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text)
    if found is None:
        raise ArgumentTypeError("expected a head as it was logged: SEQUENCE:HASH")
    return Head(int(found[1]), found[2])


def public_key(text: str) -> bytes:
    if re.fullmatch("[0-9a-f]{64}", text) is None:
        raise ArgumentTypeError("expected a public key: 64 hex digits")
    return bytes.fromhex(text)


class Command(BaseCommand):
    help = "Check that no audit entry was altered, removed, put in another order or cut off."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--head", type=head, action="append", default=[], help="a head that was noted down"
        )
        parser.add_argument(
            "--heads",
            type=Path,
            action="append",
            help="a file with signed heads, such as a log of the worker; - is standard input "
            "(default: the one that the worker writes on this machine)",
        )
        parser.add_argument(
            "--key",
            type=public_key,
            action="append",
            help="a public key that was kept elsewhere, in place of those in the database",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        signed = list(self._signed(options["heads"]))
        genuine, faults = self._judged(signed, options["key"])
        faults += first_faults([*options["head"], *genuine], SHOWN)
        for fault in faults[:SHOWN]:
            self.stderr.write(f"entry {fault.sequence}: {fault.problem}")
        if faults:
            raise CommandError("The audit log was tampered with.")
        waiting = AuditEntry.objects.unsealed().count()
        current = Head.current()
        self.stdout.write(f"{current.sequence} entries are as they were written.")
        if waiting:
            self.stdout.write(f"{waiting} are not sealed yet: the worker does that each second.")
        newest = max((one.head.sequence for one in signed), default=0)
        self.stdout.write(f"{len(signed)} signed heads agree, up to entry {newest}.")
        self.stdout.write(f"head {current}")

    def _signed(self, files: list[Path] | None) -> Iterator[SignedHead]:
        if files is None:
            files = [heads_file()] if heads_file().exists() else []
        for path in files:
            if str(path) == "-":
                yield from heads_in(sys.stdin)
                continue
            try:
                with path.open(errors="replace") as lines:
                    yield from heads_in(lines)
            except OSError as error:
                raise CommandError(f"{path} cannot be read: {error.strerror}.") from None

    def _judged(
        self, signed: list[SignedHead], given: list[bytes] | None
    ) -> tuple[list[Head], list[Fault]]:
        """Return the heads that this installation signed, and what is wrong with the others."""
        keys = given or [bytes.fromhex(key.public_key) for key in SigningKey.objects.all()]
        genuine, faults = [], []
        for one in signed:
            if one.is_genuine(keys):
                genuine.append(one.head)
            else:
                problem = f"the head of {one.at} has no signature of this installation"
                faults.append(Fault(one.head.sequence, problem))
        return genuine, faults
