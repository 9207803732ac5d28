"""Look-alike search reads plates from its indexes alone: they take seconds for millions of plates."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0009_erased_receipts"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="knownplate",
            name="plate_by_key",
        ),
        migrations.RemoveIndex(
            model_name="knownplate",
            name="plate_by_tail",
        ),
        migrations.AddIndex(
            model_name="knownplate",
            index=models.Index(
                fields=["key"],
                include=("plate",),
                name="plate_by_key",
                opclasses=["text_pattern_ops"],
            ),
        ),
        migrations.AddIndex(
            model_name="knownplate",
            index=models.Index(
                fields=["key_reversed"],
                include=("plate",),
                name="plate_by_tail",
                opclasses=["text_pattern_ops"],
            ),
        ),
    ]
