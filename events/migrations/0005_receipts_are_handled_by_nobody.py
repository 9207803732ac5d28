"""A receipt is no page of the admin site: no role needs a right on it."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0004_events_by_month"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="eventreceipt",
            options={"default_permissions": ()},
        ),
    ]
