"""Backup and restore of what cannot be made anew: the database and the pictures.

The database comes first and the pictures after it: a picture is in its place before its row is
committed, so that every row of the dump has its picture. Restoring goes the other way round.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.management import CommandError
from django.db import connection
from django.db.models import F
from django.utils import timezone

from anpr_project import __version__, backup_pictures
from anpr_project.start import migrate
from events.models import PlateEvent, StreamHead
from events.pictures.stores import picture_store
from events.pictures.stores.base import parse_hour

MANIFEST, PICTURES = "manifest.json", "pictures"
DUMPS = {"postgresql": "database.dump", "sqlite": "database.sqlite3"}
# Positions that were given out after the backup must not be given out again: a client that
# remembers one of them would miss what comes under it.
LEAP = 1_000_000_000


def back_up(folder: Path, tools: Path | None, *, pictures: bool) -> None:
    """Write dump, pictures and manifest; pictures that are there already are not copied again."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Until the new one is whole there is no valid backup here.
    (folder / MANIFEST).unlink(missing_ok=True)
    dump = folder / DUMPS[connection.vendor]
    if connection.vendor == "postgresql":
        _run("pg_dump", "--format=custom", f"--file={dump}", tools=tools)
    else:
        _copy_sqlite(Path(settings.DATABASES["default"]["NAME"]), dump)
    if pictures:
        backup_pictures.save(folder / PICTURES)
    manifest = {
        "version": __version__,
        "taken_at": timezone.now().isoformat(),
        "dump": dump.name,
        "sha256": _sha256(dump),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")


def restore(folder: Path, tools: Path | None) -> None:
    """Put a backup into an installation that has no tables yet."""
    dump = _checked_dump(folder)
    if connection.introspection.table_names():
        raise CommandError("This database has tables. Restore into an empty one.")
    backup_pictures.bring_back(folder / PICTURES)
    if connection.vendor == "postgresql":
        _run(
            *("pg_restore", "--exit-on-error", "--single-transaction", "--no-owner"),
            *(f"--dbname={settings.DATABASES['default']['NAME']}", str(dump)),
            tools=tools,
        )
    else:
        connection.close()
        _copy_sqlite(dump, Path(settings.DATABASES["default"]["NAME"]))
    finish()


def finish() -> None:
    """What a restored database needs, however it was restored: newer tables, later positions."""
    migrate()
    StreamHead.objects.update(position=F("position") + LEAP)


def missing_pictures() -> int:
    """Return how many pictures rows speak of that the store does not have, hour by hour."""
    store = picture_store()
    rows = PlateEvent.objects.order_by("received_at").values_list("frame", "crop")
    hour: datetime | None = None
    there: set[str] = set()
    missing = 0
    for name in (name for pair in rows.iterator(chunk_size=2000) for name in pair if name):
        if (found := parse_hour(name.rpartition("/")[0])) != hour:
            hour = found
            there = {file.name for file in store.files_of(hour)} if hour else set()
        missing += name not in there
    return missing


def _checked_dump(folder: Path) -> Path:
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        dump = folder / Path(manifest["dump"]).name
        if dump.name != DUMPS[connection.vendor]:
            raise CommandError(f"{dump.name} is of another kind of database than this one.")
        if _sha256(dump) != manifest["sha256"]:
            raise CommandError(f"{dump} is not what was written: its SHA-256 differs.")
    except (OSError, ValueError, KeyError) as error:
        raise CommandError(f"There is no whole backup in {folder}: {error}") from None
    return dump


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _copy_sqlite(source: Path, target: Path) -> None:
    """SQLite's online backup: a copy of the file alone would miss what is in the journal."""
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _run(name: str, *arguments: str, tools: Path | None) -> None:
    """Run a program of PostgreSQL against the database of the settings."""
    program = shutil.which(name, path=str(tools) if tools else None)
    if program is None:
        raise CommandError(
            f"{name} was not found. Install PostgreSQL's client programs, of the server's version "
            "or newer, or say with --postgres-tools where they are."
        )
    database = settings.DATABASES["default"]
    environment = os.environ | {
        "PGHOST": database["HOST"],
        "PGPORT": str(database["PORT"]),
        "PGUSER": database["USER"],
        "PGPASSWORD": database["PASSWORD"],
        "PGDATABASE": database["NAME"],
    }
    result = subprocess.run(  # noqa: S603 - our own command line
        [program, *arguments], env=environment, check=False, capture_output=True, text=True
    )
    if result.returncode:
        raise CommandError(f"{name} failed: {result.stderr.strip()[-500:]}")
