"""The whole product in one process."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Thread
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from anpr_project.processes import bound_socket, raise_descriptor_limit
from anpr_project.server import serve
from anpr_project.start import create_first_admin, migrate, refuse_unusable_uploads
from events.stream import doorbell
from exporters.worker import Worker


@asynccontextmanager
async def worker_thread() -> AsyncIterator[None]:
    """Run the delivery worker in a thread, ringing through this loop.

    The in-memory channel layer belongs to the loop that its consumers run in; a send from another
    thread's loop would wake nobody.
    """
    loop = asyncio.get_running_loop()

    def ring(head: int) -> None:
        asyncio.run_coroutine_threadsafe(doorbell.ring(head), loop)

    worker = Worker(ring)
    # A daemon: a delivery that does not return must not keep the process from ending. Its lease
    # runs out, and the next start sends it again.
    thread = Thread(target=worker.run_forever, name="worker", daemon=True)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        await asyncio.to_thread(thread.join, 3)


class Command(BaseCommand):
    help = "Migrate, create the first administrator, and serve HTTP, WebSockets and delivery."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: sys.exit(0))
        raise_descriptor_limit()
        reserved = bound_socket(settings.HOST, settings.PORT)
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        refuse_unusable_uploads()
        migrate()
        self.say(create_first_admin(generate_password=True))
        serve(reserved, alongside=worker_thread, on_ready=self.announce)

    def announce(self) -> None:
        host = f"[{settings.HOST}]" if ":" in settings.HOST else settings.HOST
        address = f"http://{host}:{settings.PORT}"
        self.say(f"ANPR Cloud on {address} (API documentation: {address}/docs). Ctrl-C stops it.")

    def say(self, text: str) -> None:
        if text:
            self.stdout.write(text)
            self.stdout.flush()
