"""PostgreSQL tells all processes when what a sensor's credential rests on changes."""

from __future__ import annotations

from django.db import migrations

CHANNEL = "anpr_configuration"
# Each table with the columns that matter; a sensor's life signs and a key's use do not.
TABLES = {
    "zones_zone": "zone_type, space, geometry, enabled, name",
    "cameras_camera": "name, width, height, latitude, longitude, enabled",
    "cameras_camerazone": "camera_id, zone_id",
    "sensors_sensorsettings": "name, camera_id, zone_id, enabled",
    "sensors_sensorkey": "sensor_id, digest, revoked_at",
}


def create(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(
        "CREATE FUNCTION anpr_tell_of_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN PERFORM pg_notify('{CHANNEL}', ''); RETURN NULL; END $$"
    )
    for table, columns in TABLES.items():
        schema_editor.execute(
            f"CREATE TRIGGER anpr_tell AFTER INSERT OR DELETE OR UPDATE OF {columns} ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION anpr_tell_of_change()"
        )


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION anpr_tell_of_change() CASCADE")


class Migration(migrations.Migration):
    dependencies = [
        ("sensors", "0001_initial"),
        ("cameras", "0001_initial"),
        ("zones", "0001_initial"),
    ]
    operations = [migrations.RunPython(create, drop)]
