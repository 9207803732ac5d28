"""On PostgreSQL the table of events becomes one partitioned by months of capture; its rows are kept.

It copies the table, in one transaction: 10 million events take some minutes, and as much disk again.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import migrations
from django.utils import timezone

# What is older, or lies further ahead, stays in the default partition.
YEARS_BACK = 10
MONTHS_AHEAD = 2

RENAME = "ALTER TABLE events_plateevent RENAME TO events_plateevent_whole"
CREATE = """
    CREATE TABLE events_plateevent (LIKE events_plateevent_whole INCLUDING CONSTRAINTS)
    PARTITION BY RANGE (captured_at)
"""
CREATE_DEFAULT = "CREATE TABLE events_plateevent_default PARTITION OF events_plateevent DEFAULT"
CREATE_MONTH = """
    CREATE TABLE events_plateevent_{month:%Y_%m} PARTITION OF events_plateevent
    FOR VALUES FROM ('{month:%Y-%m-%d} 00:00+00') TO ('{end:%Y-%m-%d} 00:00+00')
"""
MONTHS = """
    SELECT DISTINCT date_trunc('month', captured_at AT TIME ZONE 'UTC')
    FROM events_plateevent_whole WHERE captured_at >= %s AND captured_at < %s
"""
FINISH = [
    "INSERT INTO events_plateevent SELECT * FROM events_plateevent_whole",
    # The names of its indexes are free then.
    "DROP TABLE events_plateevent_whole",
    "ALTER TABLE events_plateevent ADD PRIMARY KEY (id, captured_at)",
    "CREATE INDEX event_by_time ON events_plateevent (captured_at DESC, id DESC)",
    "CREATE INDEX event_by_camera ON events_plateevent (camera_id, captured_at DESC, id DESC)",
    "CREATE INDEX event_by_zone ON events_plateevent (zone_id, captured_at DESC, id DESC)",
    """CREATE INDEX event_by_plate ON events_plateevent
       (plate_normalized text_pattern_ops, captured_at DESC, id DESC)""",
    "CREATE INDEX event_by_arrival ON events_plateevent (received_at)",
    """ALTER TABLE events_plateevent ADD CONSTRAINT event_camera_exists
       FOREIGN KEY (camera_id) REFERENCES cameras_camera (id) DEFERRABLE INITIALLY DEFERRED""",
    """ALTER TABLE events_plateevent ADD CONSTRAINT event_zone_exists
       FOREIGN KEY (zone_id) REFERENCES zones_zone (id) DEFERRABLE INITIALLY DEFERRED""",
]


def add_months(month, count):
    years, index = divmod(month.month - 1 + count, 12)
    return month.replace(year=month.year + years, month=index + 1)


def partition(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    now = timezone.now().astimezone(UTC)
    this_month = datetime(now.year, now.month, 1, tzinfo=UTC)
    first, end = add_months(this_month, -12 * YEARS_BACK), add_months(this_month, MONTHS_AHEAD + 1)
    with schema_editor.connection.cursor() as cursor:
        # Whatever limit requests have.
        cursor.execute("SET LOCAL statement_timeout = 0")
        for statement in (RENAME, CREATE, CREATE_DEFAULT):
            cursor.execute(statement)
        cursor.execute(MONTHS, [first, end])
        months = {month.replace(tzinfo=UTC) for (month,) in cursor.fetchall()}
        months |= {add_months(this_month, count) for count in range(MONTHS_AHEAD + 1)}
        for month in sorted(months):
            cursor.execute(CREATE_MONTH.format(month=month, end=add_months(month, 1)))
        for statement in FINISH:
            cursor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("events", "0003_receipts")]
    operations = [migrations.RunPython(partition)]
