"""Demo traffic against a running server, through its real API."""

from __future__ import annotations

import os
import signal
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone
from knox.models import AuthToken

from events.simulation.area import Area, install, revoke_keys
from events.simulation.client import Client, Refused, answers
from events.simulation.player import Road

FIRST_HISTORY_HOURS = 48.0


def number(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ArgumentTypeError(f"expected {low:g} to {high:g}")
        return value

    parse.__name__ = "number"  # argparse names it in its message
    return parse


@contextmanager
def administrator(url: str) -> Iterator[Client]:
    """Lend a client with a token of the first administrator; it is given back at the end.

    The one thing that does not go over HTTP: passwords are nobody's business here, and whoever
    may run this command on the database could set one anyway.
    """
    user = User.objects.filter(is_superuser=True, is_active=True).order_by("id").first()
    if user is None:
        raise CommandError("There is no administrator: start the server with `make run` first.")
    row, token = AuthToken.objects.create(user=user, expiry=timedelta(minutes=10))
    client = Client(url, f"Token {token}", Event())
    try:
        yield client
    finally:
        client.close()
        row.delete()


class Command(BaseCommand):
    help = "Create demo cameras and sensors, and play realistic traffic through the ingest API."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        host, port = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "8000")
        host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1"}.get(host, host)  # nosec B104  # noqa: S104
        parser.add_argument(
            "--url", default=f"http://{host}:{port}", help="the server (default: %(default)s)"
        )
        parser.add_argument(
            "--rate",
            type=number(0.001, 1000),
            default=1.5,
            help="mean events a second over the day; more by day, fewer by night (default: 1.5)",
        )
        parser.add_argument("--count", type=int, help="stop after so many vehicles")
        parser.add_argument("--duration", type=number(0, 10**7), help="stop after so many seconds")
        parser.add_argument(
            "--history",
            type=number(0, 24 * 90),
            help="hours of past traffic to fill in first (default: 48 on the first run, then 0)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        url = options["url"].rstrip("/")
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise CommandError(f"--url {url} is wrong: expected http://host:port")
        if not answers(url):
            raise CommandError(f"No server answers at {url}: start it with `make run`.")
        try:
            with administrator(url) as api:
                area = install(api)
            self._play(url, area, options)
            with administrator(url) as api:
                revoke_keys(api, area)
        except Refused as error:
            raise CommandError(f"The server refused the set-up: {error}") from None
        except DatabaseError as error:
            raise CommandError(
                f"The database of the server at {url} is not here ({error}): give the DATA_DIR or "
                "POSTGRES_SERVER with which it runs."
            ) from None

    def _play(self, url: str, area: Area, options: dict[str, Any]) -> None:
        stop = Event()
        road = Road(url, area.posts, stop)
        started = timezone.localtime()
        history = options["history"]
        if history is None:
            history = FIRST_HISTORY_HOURS if area.is_new else 0.0
        until = options["duration"] and started + timedelta(seconds=options["duration"])
        with stopped_by_signals(stop):
            if history:
                self.stdout.write(f"Filling in {history:g} hours of past traffic ...")
                road.recall(history, started)
            self.stdout.write(
                f"{len(area.posts)} cameras play live traffic: see {url}/live. Ctrl-C ends it."
            )
            self.stdout.flush()
            road.play(options["rate"], until=until, count=options["count"])
        seconds = (timezone.localtime() - started).total_seconds()
        self.stdout.write(f"{road.tally} in {timedelta(seconds=round(seconds))}.")


@contextmanager
def stopped_by_signals(stop: Event) -> Iterator[None]:
    """Let SIGINT and SIGTERM end the traffic instead of the command: the summary still comes."""
    before = {
        # Not in this thread: the handler may have interrupted a wait that holds the event's lock.
        number: signal.signal(number, lambda *_: Thread(target=stop.set).start())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
