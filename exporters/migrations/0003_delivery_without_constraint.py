"""Deliveries lose the foreign key to events, whose table becomes a partitioned one."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exporters", "0002_exporters_and_deliveries")]
    # Nothing can refer to an id of a partitioned table.
    run_before = [("events", "0004_events_by_month")]

    operations = [
        migrations.AlterField(
            model_name="delivery",
            name="event",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="events.plateevent",
            ),
        ),
    ]
