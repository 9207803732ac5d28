"""Deleting an exporter with all its deliveries, of which there may be millions."""

from __future__ import annotations

from exporters.models import Delivery, ExporterConfig
from exporters.state import disable

BATCH = 2000


def remove(exporter: ExporterConfig) -> None:
    """Delete the exporter; a batch of deliveries a statement, so that no lock is held for long."""
    # First of all, so that nobody makes new ones.
    disable(exporter)
    deliveries = Delivery.objects.filter(exporter=exporter).order_by()
    while ids := list(deliveries.values_list("id", flat=True)[:BATCH]):
        # Their attempts go with them, in one statement of their own.
        Delivery.objects.filter(pk__in=ids).delete()
    exporter.delete()
