from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from audit.chain import seal_entries
from evidence.heads import note_head


class Command(BaseCommand):
    help = "Seal what waits, sign the head of the audit log, print it and keep it beside the log."

    def handle(self, *args: Any, **options: Any) -> None:
        while seal_entries():
            pass
        self.stdout.write(note_head())
