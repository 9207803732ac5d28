"""The command: `machine`, stories that nobody wrote, each compared with a model after each step."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import os
import time
from contextlib import ExitStack
from pathlib import Path

from ledger.installation import Postgres

PART = 20


def set_up(folder: Path, stack: ExitStack) -> None:
    """An empty product in this process, on a PostgreSQL of its own."""
    postgres = Postgres(folder, durable=False)
    stack.callback(postgres.stop)
    postgres.start()
    os.environ |= {
        "POSTGRES_SERVER": "127.0.0.1",
        "POSTGRES_PORT": str(postgres.port),
        "POSTGRES_USER": "postgres",
        "POSTGRES_DB": "postgres",
        "DATA_DIR": str(folder / "var"),
        "SECRET_KEY": "only for these stories " * 3,
        "ALLOWED_HOSTS": "testserver",
        "EXPORT_ALLOW_NETWORKS": "127.0.0.0/8",
        "RETENTION_DAYS": "30",
        "LOG_LEVEL": "CRITICAL",
        "DJANGO_SETTINGS_MODULE": "anpr_project.settings",
    }
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection

    from sensors.configuration_changes import changes

    call_command("migrate", verbosity=0)
    User.objects.create_superuser("admin")
    stack.callback(connection.close_pool)  # type: ignore[attr-defined]
    stack.callback(connection.close)
    stack.callback(changes.stop)


def machine(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    set_up(folder, stack)
    from exporters.tests.sinks import Sink
    from ledger.machine.faults import control
    from ledger.machine.story import Story, tell

    sink = stack.enter_context(Sink())
    begun, contradiction = time.monotonic(), None
    # In parts, each with a seed of its own, so that it can be seen how far it is.
    for part, first in enumerate(range(0, options.runs, PART)):
        if contradiction or time.monotonic() - begun > options.minutes * 60:
            break
        number = options.seed * 1000 + part
        runs = min(PART, options.runs - first)
        contradiction = tell(sink, number, runs, options.steps, shrink=options.shrink)
        print(f"part {part}, seed {number}: {contradiction or 'holds'}", flush=True)
    took, done = time.monotonic() - begun, Story.done
    print(
        f"{done.pop('runs', 0)} stories, {done.pop('steps', 0)} steps in {took:.0f} s; "
        + ", ".join(f"{count} {what}" for what, count in sorted(done.items()))
    )
    print(f"{'contradicts the model':38} {int(bool(contradiction)):6}")
    unseen = 0
    for name, word in control(sink, options.seed) if options.controls else ():
        print(f"{name:38} {'':6}  {word}", flush=True)
        unseen += word != "red"
    return bool(contradiction) + unseen
