"""Each event gets a receipt; what guards against doubles and what changes later moves to it."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Subquery

COPY = """
    INSERT INTO events_eventreceipt (id, sensor_id, event_id, content_sha256, captured_at, position)
    SELECT id, sensor_id, event_id, {digest}, captured_at, position FROM events_plateevent
"""
# Ids given out before are not given out again, not even those of deleted events.
GO_ON = {
    "postgresql": """
        SELECT setval(
            pg_get_serial_sequence('events_eventreceipt', 'id'),
            nextval(pg_get_serial_sequence('events_plateevent', 'id'))
        )
    """,
    "sqlite": """
        INSERT INTO sqlite_sequence (name, seq)
        SELECT 'events_eventreceipt', seq FROM sqlite_sequence WHERE name = 'events_plateevent'
        AND NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'events_eventreceipt')
    """,
}


def write_receipts(apps, schema_editor):
    connection = schema_editor.connection
    digest = "decode(content_sha256, 'hex')"
    if connection.vendor == "sqlite":
        connection.connection.create_function("from_hex", 1, bytes.fromhex)
        digest = "from_hex(content_sha256)"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Whatever limit requests have.
            cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(COPY.format(digest=digest))
        cursor.execute(GO_ON[connection.vendor])


def date_tyres(apps, schema_editor):
    events = apps.get_model("events", "PlateEvent").objects.filter(pk=OuterRef("event"))
    tyres = apps.get_model("events", "TpmsReading").objects
    tyres.update(captured_at=Subquery(events.values("captured_at")))


class Migration(migrations.Migration):
    dependencies = [("events", "0002_stream_head"), ("sensors", "0002_tell_of_changes")]

    operations = [
        migrations.RemoveConstraint(model_name="plateevent", name="event_is_stored_once"),
        migrations.RemoveConstraint(model_name="plateevent", name="position_is_unique"),
        migrations.RemoveIndex(model_name="plateevent", name="event_without_position"),
        migrations.CreateModel(
            name="EventReceipt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event_id", models.UUIDField()),
                (
                    "content_sha256",
                    models.BinaryField(
                        help_text="of the reading and its pictures: tells a repeat from a conflict",
                        max_length=32,
                    ),
                ),
                ("captured_at", models.DateTimeField(help_text="of the event: where it lies")),
                (
                    "position",
                    models.BigIntegerField(
                        help_text="place in commit order; set once by the dispatcher", null=True
                    ),
                ),
                (
                    "sensor",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="sensors.sensorsettings",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["sensor", "event_id"], name="event_is_stored_once"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("position", None), _negated=True),
                        fields=["position"],
                        name="position_is_unique",
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("position", None)),
                        fields=["id"],
                        name="event_without_position",
                    ),
                ],
            },
        ),
        migrations.RunPython(write_receipts),
        migrations.RemoveField(model_name="plateevent", name="content_sha256"),
        migrations.RemoveField(model_name="plateevent", name="position"),
        migrations.AlterField(
            model_name="plateevent",
            name="sensor",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="events",
                to="sensors.sensorsettings",
            ),
        ),
        migrations.AlterField(
            model_name="tpmsreading",
            name="event",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="tyres",
                to="events.plateevent",
            ),
        ),
        migrations.RemoveIndex(model_name="tpmsreading", name="tyre_by_id"),
        migrations.AddField(
            model_name="tpmsreading",
            name="captured_at",
            field=models.DateTimeField(help_text="of the event: where it lies", null=True),
        ),
        migrations.RunPython(date_tyres),
        migrations.AlterField(
            model_name="tpmsreading",
            name="captured_at",
            field=models.DateTimeField(help_text="of the event: where it lies"),
        ),
        migrations.AddIndex(
            model_name="tpmsreading",
            index=models.Index(fields=["tyre_id", "captured_at", "event"], name="tyre_by_id"),
        ),
    ]
