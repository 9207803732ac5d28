"""The production processes on one machine, without containers."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from anpr_project.processes import (
    NAMES,
    become,
    bound_socket,
    command_line,
    metrics_folder,
    raise_descriptor_limit,
)
from anpr_project.start import create_first_admin, migrate, refuse_unusable_uploads


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
        self.start(options["only"])

    def start(self, only: str | None) -> None:
        if only is None:
            if settings.PORT == settings.STREAM_PORT:
                raise CommandError("STREAM_PORT is PORT: the API and the stream need one each.")
            for port in (settings.PORT, settings.STREAM_PORT):
                bound_socket(settings.HOST, port).close()
        if only in (None, "api"):
            refuse_unusable_uploads()
        if only in (None, "migrate"):
            self.migrate()
        if only in (None, "api"):
            # The folder is emptied: a worker of its own would take the API's counts away, and has
            # METRICS_PORT for its own.
            self.share_metrics()
        if only != "migrate":
            become(command_line(only or "supervisor"))

    def migrate(self) -> None:
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        migrate()
        self.stdout.write(create_first_admin(generate_password=False) or "The tables are there.")
        self.stdout.flush()

    def share_metrics(self) -> None:
        """Several processes answer /metrics as one: each writes its part into a common folder."""
        if settings.ENABLE_METRICS and "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics_folder())
