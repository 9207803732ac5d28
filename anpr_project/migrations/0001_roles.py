"""The three roles, as groups.

Django makes the rows of permissions only after all migrations have run; what a role needs is made
here already, so that the roles are complete in the same moment. Nothing is taken away: what an
operator added to a group stays, and a group that was deleted comes back only with a new migration.
"""

from __future__ import annotations

from django.db import migrations

ALL = ("add", "change", "delete", "view")
MODELS = {
    ("zones", "zone"): "zone",
    ("models_cfg", "modelconfig"): "model config",
    ("cameras", "camera"): "camera",
    ("cameras", "camerazone"): "camera zone",
    ("sensors", "sensorsettings"): "sensor",
    ("sensors", "sensormodel"): "sensor model",
    ("sensors", "sensorkey"): "key",
    ("events", "plateevent"): "plate event",
    ("events", "tpmsreading"): "tpms reading",
    ("events", "streamhead"): "stream head",
    ("events", "knownplate"): "known plate",
    ("events", "rollup"): "rollup",
    ("exporters", "workerheartbeat"): "worker heartbeat",
    ("auth", "user"): "user",
    ("auth", "group"): "group",
    ("auth", "permission"): "permission",
    ("knox", "authtoken"): "auth token",
}
ORIGINAL = ("events", "plateevent", "view_original", "Can see the original bytes of pictures")


def _standard(model, actions):
    app, name = model
    return [(app, name, f"{action}_{name}", f"Can {action} {MODELS[model]}") for action in actions]


def _view(*apps):
    return [row for model in MODELS if model[0] in apps for row in _standard(model, ["view"])]


ROLES = {
    "Administrators": [row for model in MODELS for row in _standard(model, ALL)] + [ORIGINAL],
    "Operators": [*_standard(("events", "plateevent"), ["view"]), *_view("exporters")],
    "Viewers": _standard(("events", "plateevent"), ["view"]),
}


def create_roles(apps, schema_editor):
    using = schema_editor.connection.alias
    types = apps.get_model("contenttypes", "ContentType").objects.using(using)
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    groups = apps.get_model("auth", "Group").objects.using(using)
    for role, rows in ROLES.items():
        group, _ = groups.get_or_create(name=role)
        for app, model, codename, name in rows:
            content_type, _ = types.get_or_create(app_label=app, model=model)
            permission, _ = permissions.get_or_create(
                content_type=content_type, codename=codename, defaults={"name": name}
            )
            group.permissions.add(permission)


class Migration(migrations.Migration):
    initial = True
    # The rows only name the models, so the apps' own migrations may come before or after.
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    # Going back leaves the groups: deleting them would take people's roles away.
    operations = [migrations.RunPython(create_roles, migrations.RunPython.noop)]
