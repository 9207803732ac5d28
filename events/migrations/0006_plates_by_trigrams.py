"""An index of the known plates by what is inside them, where PostgreSQL lets us have pg_trgm."""

from __future__ import annotations

import logging

from django.db import DatabaseError, migrations, transaction

logger = logging.getLogger("events")

# ?plate=*12C*: the rare plates that a pattern without a fixed beginning matches.
INDEX = """
    CREATE INDEX plate_by_trigrams ON events_knownplate USING gin (plate gin_trgm_ops)
"""


def create(apps, schema_editor):
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            cursor.execute(INDEX)
    except DatabaseError as error:
        # Not installed, or not allowed to us: such a search then reads all known plates.
        logger.warning("no pg_trgm", extra={"reason": str(error).strip()})


class Migration(migrations.Migration):
    dependencies = [("events", "0005_receipts_are_handled_by_nobody")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
