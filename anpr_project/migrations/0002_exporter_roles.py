"""What the roles may do with exporters: Administrators everything, Operators look and send again.

As in 0001, the rows of permissions that Django would only make later are made here.
"""

from __future__ import annotations

from django.db import migrations

ALL = ("add", "change", "delete", "view")
MODELS = {
    "exporterconfig": "exporter",
    "delivery": "delivery",
    "deliveryattempt": "delivery attempt",
}


def _standard(model, actions):
    return [(model, f"{action}_{model}", f"Can {action} {MODELS[model]}") for action in actions]


AGAIN = ("delivery", "redeliver", "Can send deliveries again")
ROLES = {
    "Administrators": [row for model in MODELS for row in _standard(model, ALL)] + [AGAIN],
    "Operators": [row for model in MODELS for row in _standard(model, ["view"])] + [AGAIN],
}


def extend_roles(apps, schema_editor):
    using = schema_editor.connection.alias
    types = apps.get_model("contenttypes", "ContentType").objects.using(using)
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    groups = apps.get_model("auth", "Group").objects.using(using)
    for role, rows in ROLES.items():
        group, _ = groups.get_or_create(name=role)
        for model, codename, name in rows:
            content_type, _ = types.get_or_create(app_label="exporters", model=model)
            permission, _ = permissions.get_or_create(
                content_type=content_type, codename=codename, defaults={"name": name}
            )
            group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("anpr_project", "0001_roles"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    # Going back leaves the permissions, as 0001 leaves the groups.
    operations = [migrations.RunPython(extend_roles, migrations.RunPython.noop)]
