"""Administrators may erase everything about a plate.

As in 0001, the row of a permission that Django would only make later is made here.
"""

from __future__ import annotations

from django.db import migrations


def extend_administrators(apps, schema_editor):
    using = schema_editor.connection.alias
    types = apps.get_model("contenttypes", "ContentType").objects.using(using)
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    groups = apps.get_model("auth", "Group").objects.using(using)
    content_type, _ = types.get_or_create(app_label="events", model="plateevent")
    permission, _ = permissions.get_or_create(
        content_type=content_type,
        codename="erase_plate",
        defaults={"name": "Can erase everything about a plate"},
    )
    groups.get_or_create(name="Administrators")[0].permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [("anpr_project", "0005_hold_roles"), ("events", "0009_erased_receipts")]
    operations = [migrations.RunPython(extend_administrators, migrations.RunPython.noop)]
