"""The production processes on one machine, without containers."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from anpr_project.processes import (
    NAMES,
    bound_socket,
    command_line,
    metrics_folder,
    raise_descriptor_limit,
)
from anpr_project.server import serve
from anpr_project.start import create_first_admin, migrate
from anpr_project.supervisor import Supervisor


class Command(BaseCommand):
    help = "Run the API, the stream and the delivery worker, restarting what dies."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--only",
            choices=["migrate", *NAMES],
            help="be this one process, or only migrate, instead of supervising all",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("POSTGRES_SERVER", "REDIS_HOST"):
            if not getattr(settings, name):
                raise CommandError(
                    f"{name} is not set. The production processes share PostgreSQL and Redis; "
                    "`make run` needs neither."
                )
        for name in ("DATA_DIR", "UPLOAD_DIR"):
            # The processes work in other folders; a relative path would mean another place there.
            os.environ[name] = str(getattr(settings, name))
        raise_descriptor_limit()
        match options["only"]:
            case None:
                self.supervise()
            case "migrate":
                self.migrate()
            case "stream":
                serve(bound_socket(settings.HOST, settings.STREAM_PORT))
            case name:
                self.become(name)

    def supervise(self) -> None:
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        for port in (settings.PORT, settings.STREAM_PORT):
            bound_socket(settings.HOST, port).close()
        self.migrate()
        self.share_metrics()
        commands = {name: command_line(name) for name in NAMES}
        Supervisor(commands, settings.DATA_DIR / "draining").run()

    def migrate(self) -> None:
        migrate()
        self.stdout.write(create_first_admin(generate_password=False) or "The tables are there.")
        self.stdout.flush()
        # The pool's threads would be forked into the children half alive.
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]

    def become(self, name: str) -> None:
        if name == "api":
            # The folder is emptied: a worker beside it would take the API's counts away, and has
            # METRICS_PORT for its own.
            self.share_metrics()
        command = command_line(name)
        os.execv(command[0], command)  # noqa: S606 - our own command line

    def share_metrics(self) -> None:
        """Several processes answer /metrics as one: each writes its part into a common folder."""
        if settings.ENABLE_METRICS and "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics_folder())
