"""What a package says of one event: the row as it is stored, and what it refers to."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from cameras.models import Camera
from events.models import EventReceipt, PlateEvent, PlateEventQuerySet, TpmsReading
from models_cfg.models import ModelConfig
from sensors.models import SensorSettings
from zones.models import Zone

# By name, so that no secret (an address with a password) comes along with a new column.
SHOWN: dict[type[Model], tuple[str, ...]] = {
    TpmsReading: ("tyre_id", "model", "pressure_kpa", "temperature_c", "battery_ok"),
    SensorSettings: (
        *("id", "name", "serial_number", "enabled", "last_seen_at", "clock_offset_s"),
        *("created_at", "updated_at"),
    ),
    Camera: (
        *("id", "name", "address", "latitude", "longitude", "heading", "fps", "width", "height"),
        *("created_at", "updated_at"),
    ),
    Zone: ("id", "name", "zone_type", "space", "geometry", "created_at", "updated_at"),
    ModelConfig: (
        *("id", "name", "version", "model_type", "weights_path", "weights_sha256", "parameters"),
        *("created_at", "updated_at"),
    ),
}


def with_everything(events: PlateEventQuerySet) -> PlateEventQuerySet:
    """Load what a record tells, without what it does not, and costs."""
    parts = events.select_related("sensor", "camera", "zone")
    return parts.prefetch_related("tyres", "sensor__models").defer(
        "camera__rtsp_url", "sensor__settings"
    )


def _told(row: Model | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {name: getattr(row, name) for name in SHOWN[type(row)]}


def record_of(
    event: PlateEvent, receipt: EventReceipt | None, pictures: dict[str, str | None]
) -> dict[str, Any]:
    """Return the record; `pictures` names the file of each kind in the package, None without one."""
    stored = {field.attname: getattr(event, field.attname) for field in event._meta.concrete_fields}
    return {
        "format": "anpr-evidence-record/1",
        "stored": stored,
        "tyres": [_told(tyre) for tyre in event.tyres.all()],
        "receipt": receipt
        and {
            "content_sha256": bytes(receipt.content_sha256).hex(),
            "position": receipt.position,
        },
        "received_after_capture_s": (event.received_at - event.captured_at).total_seconds(),
        "pictures": {
            kind: {"file": file, "sha256_when_received": stored[f"{kind}_sha256"] or None}
            for kind, file in pictures.items()
        },
        # An event keeps no copy of the configuration: `updated_at` tells whether it is older.
        "configuration_when_packaged": {
            "sensor": _told(event.sensor),
            "camera": _told(event.camera),
            "zone": _told(event.zone),
            "models": [_told(model) for model in event.sensor.models.all()],
        },
    }
