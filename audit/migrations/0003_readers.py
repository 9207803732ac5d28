"""Administrators may read the audit log; nobody may change it."""

from django.db import migrations


def admit(apps, schema_editor):
    using = schema_editor.connection.alias
    types = apps.get_model("contenttypes", "ContentType").objects.using(using)
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    groups = apps.get_model("auth", "Group").objects.using(using)
    # The row that Django would only make after the migrations.
    content_type, _ = types.get_or_create(app_label="audit", model="auditentry")
    permission, _ = permissions.get_or_create(
        content_type=content_type,
        codename="view_auditentry",
        defaults={"name": "Can view audit entry"},
    )
    groups.get_or_create(name="Administrators")[0].permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_entries_are_final"), ("anpr_project", "0002_exporter_roles")]
    operations = [migrations.RunPython(admit, migrations.RunPython.noop)]
