"""Counts of each plate by day and month, and rollups of whole months; made of what there is.

Each event is read once and each day's rollups once: 10 million events take some minutes.
"""

from __future__ import annotations

from itertools import groupby

from datasketches import hll_sketch, hll_union
from django.db import migrations, models

SKETCH_SIZE = 12
BATCH = 500
KEY = ("kind", "camera", "zone", "vehicle_type")
# What waits for the dispatcher is counted by it.
FILL_DAYS = """
    INSERT INTO events_dayplate (starts_on, plate, events)
    SELECT {day}, plate_normalized, count(*) FROM events_plateevent
    WHERE id NOT IN (SELECT id FROM events_eventreceipt WHERE position IS NULL)
    GROUP BY 1, 2 ORDER BY 1, 2
"""
DAY = {
    "postgresql": "CAST(captured_at AT TIME ZONE 'UTC' AS date)",
    "sqlite": "substr(captured_at, 1, 10)",
}
FILL_MONTHS = """
    INSERT INTO events_monthplate (starts_on, plate, events)
    SELECT {month}, plate, sum(events) FROM events_dayplate GROUP BY 1, 2 ORDER BY 1, 2
"""
MONTH = {
    "postgresql": "CAST(date_trunc('month', starts_on) AS date)",
    "sqlite": "substr(starts_on, 1, 8) || '01'",
}


def fill(apps, schema_editor):
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(FILL_DAYS.format(day=DAY[connection.vendor]))
        cursor.execute(FILL_MONTHS.format(month=MONTH[connection.vendor]))
    rollups = apps.get_model("events", "Rollup").objects
    months = []
    for month in by_month(rollups):
        months.append(month)
        if len(months) == BATCH:
            rollups.bulk_create(months)
            months = []
    rollups.bulk_create(months)


def by_month(rollups):
    days = rollups.filter(span="day").order_by(*KEY, "starts_at")
    for key, rows in groupby(
        days.iterator(BATCH),
        key=lambda row: (row.starts_at.replace(day=1), *(getattr(row, name) for name in KEY)),
    ):
        starts_at, *properties = key
        month = rollups.model(
            span="month", starts_at=starts_at, **dict(zip(KEY, properties, strict=True))
        )
        plates = hll_union(SKETCH_SIZE)
        for row in rows:
            month.events += row.events
            month.confidence_sum += row.confidence_sum
            if row.plates:
                plates.update(hll_sketch.deserialize(bytes(row.plates)))
        month.plates = bytes(plates.get_result().serialize_compact())
        yield month


def plate_counts(name):
    return migrations.CreateModel(
        name=name,
        fields=[
            (
                "pk",
                models.CompositePrimaryKey(
                    "starts_on",
                    "plate",
                    blank=True,
                    editable=False,
                    primary_key=True,
                    serialize=False,
                ),
            ),
            ("starts_on", models.DateField()),
            ("plate", models.CharField(max_length=32)),
            ("events", models.IntegerField()),
        ],
        options={"abstract": False, "default_permissions": ()},
    )


def frequent(model_name):
    index = models.Index(
        condition=models.Q(("events__gt", 1)),
        fields=["starts_on", "-events"],
        name=f"{model_name}_frequent",
    )
    return migrations.AddIndex(model_name=model_name, index=index)


class Migration(migrations.Migration):
    dependencies = [("events", "0006_plates_by_trigrams")]
    operations = [
        migrations.AlterField(
            model_name="rollup",
            name="span",
            field=models.CharField(
                choices=[("hour", "Hour"), ("day", "Day"), ("month", "Month")], max_length=5
            ),
        ),
        plate_counts("DayPlate"),
        plate_counts("MonthPlate"),
        migrations.RunPython(fill, migrations.RunPython.noop),
        frequent("dayplate"),
        frequent("monthplate"),
    ]
