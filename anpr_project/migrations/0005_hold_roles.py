"""Administrators place legal holds, look at them and lift them.

As in 0001, the rows of permissions that Django would only make later are made here.
"""

from __future__ import annotations

from django.db import migrations

ACTIONS = ("add", "change", "view")


def extend_administrators(apps, schema_editor):
    using = schema_editor.connection.alias
    types = apps.get_model("contenttypes", "ContentType").objects.using(using)
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    groups = apps.get_model("auth", "Group").objects.using(using)
    group, _ = groups.get_or_create(name="Administrators")
    content_type, _ = types.get_or_create(app_label="events", model="legalhold")
    for action in ACTIONS:
        permission, _ = permissions.get_or_create(
            content_type=content_type,
            codename=f"{action}_legalhold",
            defaults={"name": f"Can {action} legal hold"},
        )
        group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [("anpr_project", "0004_failed_sign_ins"), ("events", "0008_legal_holds")]
    operations = [migrations.RunPython(extend_administrators, migrations.RunPython.noop)]
