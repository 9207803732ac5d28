"""The stream's head is one row, there from the start: it is the dispatcher's lock."""

from __future__ import annotations

from django.db import migrations


def create_head(apps, schema_editor):
    apps.get_model("events", "StreamHead").objects.get_or_create(id=1)


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]
    operations = [migrations.RunPython(create_head, migrations.RunPython.noop)]
