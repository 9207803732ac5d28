from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, models, transaction

from anpr_project.lib.encryption import EncryptedTextField, fernet

BATCH = 500


def encrypted_fields() -> Iterator[tuple[type[models.Model], EncryptedTextField]]:
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field


class Rotation:
    """Encrypts one column anew, a batch a transaction; a row that changes meanwhile stays as it is."""

    def __init__(self, model: type[models.Model], field: EncryptedTextField) -> None:
        quote = connection.ops.quote_name
        self._table, self._id = quote(model._meta.db_table), quote(str(model._meta.pk.column))
        self._column = quote(str(field.column))
        self.done = self.lost = 0

    def run(self) -> None:
        last = 0
        while rows := self._batch(last):
            with transaction.atomic(), connection.cursor() as cursor:
                for pk, token in rows:
                    self._rotate(cursor, pk, token)
            last = rows[-1][0]

    def _batch(self, after: int) -> list[tuple[int, str]]:
        # Read as stored, past the field, which would decrypt.
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {self._id}, {self._column} FROM {self._table} "  # noqa: S608 - our own names
                f"WHERE {self._id} > %s AND {self._column} <> '' ORDER BY {self._id} LIMIT {BATCH}",
                [after],
            )
            return list(cursor.fetchall())

    def _rotate(self, cursor: Any, pk: int, token: str) -> None:
        try:
            fresh = fernet().rotate(token.encode()).decode()
        except InvalidToken:
            self.lost += 1
            return
        cursor.execute(
            f"UPDATE {self._table} SET {self._column} = %s "  # noqa: S608 - our own names
            f"WHERE {self._id} = %s AND {self._column} = %s",
            [fresh, pk, token],
        )
        # None when somebody stored a new secret meanwhile, with the first key already.
        self.done += cursor.rowcount


class Command(BaseCommand):
    help = "Encrypts all stored secrets anew with the first of ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        lost = 0
        for model, field in encrypted_fields():
            rotation = Rotation(model, field)
            rotation.run()
            lost += rotation.lost
            self.stdout.write(
                f"{model._meta.label}.{field.name}: {rotation.done} encrypted anew, "
                f"{rotation.lost} that no key opens"
            )
        if lost:
            raise CommandError(
                f"{lost} secrets could not be opened. Keep the old keys in ENCRYPTION_KEYS, or give "
                "those secrets again."
            )
