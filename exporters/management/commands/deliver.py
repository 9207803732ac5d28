from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand

from events.doorbell import Doorbell
from exporters.worker import Worker


class Command(BaseCommand):
    help = "Runs the worker: makes new events visible to streams and statistics, until SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        worker = Worker(ring=Doorbell())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        worker.run_forever()
