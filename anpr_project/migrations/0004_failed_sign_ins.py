"""Administrators see failed sign-ins, and unlock by deleting them.

As in 0001, the rows of permissions that Django would only make later are made here.
"""

from __future__ import annotations

from django.db import migrations

ACTIONS = ("view", "delete")


def extend_administrators(apps, schema_editor):
    using = schema_editor.connection.alias
    types = apps.get_model("contenttypes", "ContentType").objects.using(using)
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    groups = apps.get_model("auth", "Group").objects.using(using)
    group, _ = groups.get_or_create(name="Administrators")
    content_type, _ = types.get_or_create(app_label="axes", model="accessattempt")
    for action in ACTIONS:
        permission, _ = permissions.get_or_create(
            content_type=content_type,
            codename=f"{action}_accessattempt",
            defaults={"name": f"Can {action} access attempt"},
        )
        group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("anpr_project", "0003_sign_in"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    # Going back leaves the permissions, as 0001 leaves the groups.
    operations = [migrations.RunPython(extend_administrators, migrations.RunPython.noop)]
