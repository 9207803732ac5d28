"""What an exporter's row knows of a sink to which nothing gets through, and why it was disabled.

Three columns with constant defaults: no row is written.
"""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exporters", "0004_lease_apart")]

    operations = [
        migrations.AddField(
            model_name="exporterconfig",
            name="failing_since",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="exporterconfig",
            name="failing_steadily",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="exporterconfig",
            name="disabled_reason",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="why the worker disabled it; empty when a person did",
                max_length=500,
            ),
        ),
    ]
