import anpr_project.lib.encryption
import anpr_project.lib.text
import django.db.models.deletion
import django.utils.timezone
import exporters.models
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0002_stream_head"),
        ("exporters", "0001_worker_heartbeat"),
    ]

    operations = [
        migrations.CreateModel(
            name="ExporterConfig",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("name", anpr_project.lib.text.PlainTextField(max_length=100, unique=True)),
                (
                    "exporter_type",
                    models.CharField(choices=exporters.models.exporter_types, max_length=16),
                ),
                ("config", models.JSONField(default=dict)),
                (
                    "auth",
                    anpr_project.lib.encryption.EncryptedTextField(default='{"type": "none"}'),
                ),
                ("retry", anpr_project.lib.text.PlainJSONField(blank=True, default=dict)),
                ("filters", anpr_project.lib.text.PlainJSONField(blank=True, default=dict)),
                (
                    "ordered",
                    models.BooleanField(
                        default=False,
                        help_text="keep the order of each camera: one message a camera at a time",
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("last_success_at", models.DateTimeField(editable=False, null=True)),
                ("last_error_at", models.DateTimeField(editable=False, null=True)),
                (
                    "last_error",
                    models.CharField(blank=True, default="", editable=False, max_length=500),
                ),
                ("paused_until", models.DateTimeField(editable=False, null=True)),
                (
                    "failures",
                    models.PositiveIntegerField(
                        default=0,
                        editable=False,
                        help_text="times in a row that the sink was out of reach",
                    ),
                ),
            ],
            options={
                "verbose_name": "exporter",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("camera", models.BigIntegerField(default=0, help_text="of the event; 0 without")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("delivered", "Delivered"),
                            ("dead", "Dead"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("next_attempt_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, default="", max_length=500)),
                (
                    "event",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="events.plateevent",
                    ),
                ),
                (
                    "exporter",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="exporters.exporterconfig",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "ordering": ["-id"],
                "permissions": [("redeliver", "Can send deliveries again")],
            },
        ),
        migrations.CreateModel(
            name="DeliveryAttempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("duration_ms", models.FloatField()),
                ("succeeded", models.BooleanField()),
                (
                    "code",
                    models.IntegerField(
                        help_text="HTTP status, MQTT reason code or Kafka error", null=True
                    ),
                ),
                ("error", models.CharField(blank=True, default="", max_length=500)),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tries",
                        to="exporters.delivery",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "pending")),
                fields=["exporter", "next_attempt_at", "id"],
                name="delivery_due",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "pending")),
                fields=["exporter", "camera", "id"],
                name="delivery_in_order",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["exporter", "state", "-id"], name="delivery_by_state"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                fields=("event", "exporter"), name="event_goes_to_exporter_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["pending", "delivered", "dead"])),
                name="delivery_state_is_known",
            ),
        ),
    ]
