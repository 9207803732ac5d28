"""What every start does first: the database's tables and the first administrator."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, transaction

from anpr_project.migrated import is_migrated

# Any number, as long as everybody who migrates takes the same one.
MIGRATION_LOCK = 7_145_202_611


@contextmanager
def _alone() -> Iterator[None]:
    """Let one process do this at a time; SQLite's own lock and single process are enough there."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        # Waiting for the lock and changing a large table both outlast a request's time limit.
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])
            cursor.execute("RESET statement_timeout")


def refuse_unusable_uploads() -> None:
    """Stop here, where the setting is at fault, rather than refuse every picture afterwards."""
    if settings.S3_BUCKET:
        return
    try:
        settings.UPLOAD_DIR.mkdir(parents=True, exist_ok=True)
        if not os.access(settings.UPLOAD_DIR, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise CommandError(
            f"UPLOAD_DIR={str(settings.UPLOAD_DIR)!r} is wrong: "
            f"expected a folder to write to ({error.strerror})"
        ) from None


def migrate() -> None:
    """Bring the tables up to date; when they are, this only reads the list of migrations."""
    try:
        connection.ensure_connection()
    except OperationalError as error:
        # One line instead of a traceback: the address or the password is wrong, or it is not up.
        names = "" if not settings.POSTGRES_SERVER else " Look at POSTGRES_SERVER and its fellows."
        raise CommandError(f"The database does not let us in: {error}.{names}") from None
    with _alone():
        if not is_migrated(connection):
            call_command("migrate", database=DEFAULT_DB_ALIAS, interactive=False, verbosity=0)


def _refuse_wrong_name(username: str) -> None:
    try:
        User._meta.get_field("username").run_validators(username)
    except ValidationError as error:
        raise CommandError(
            f"DJANGO_SUPERUSER_USERNAME={username!r} is wrong: {error.messages[0]}"
        ) from None


def create_first_admin(*, generate_password: bool) -> str:
    """Make an administrator when there is none; return what the operator must be told, or "".

    The name and password are DJANGO_SUPERUSER_USERNAME and DJANGO_SUPERUSER_PASSWORD.
    """
    # Machines that start at the same moment would all find none.
    with _alone(), transaction.atomic():
        if User.objects.filter(is_superuser=True).exists():
            return ""
        username = os.environ.get("DJANGO_SUPERUSER_USERNAME") or "admin"
        password = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
        _refuse_wrong_name(username)
        if User.objects.filter(username=username).exists():
            return f"There is no administrator, and the name {username!r} belongs to another user."
        if password:
            User.objects.create_superuser(username, password=password)
            return f"Created the administrator {username!r} with the password you set."
        if not generate_password:
            return (
                "There is no administrator yet: run `manage.py createsuperuser`, or set "
                "DJANGO_SUPERUSER_PASSWORD and start again."
            )
        password = secrets.token_urlsafe(12)
        User.objects.create_superuser(username, password=password)
        return (
            "Created the first administrator. The password is shown only this once:\n"
            f"    user      {username}\n"
            f"    password  {password}"
        )
