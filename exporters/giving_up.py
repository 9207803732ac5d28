"""When an exporter is disabled because nothing gets through any more: pure rules, and the deed.

As Svix does it: after five days in which every attempt failed. The clock counts from the first of
these failures, but not before two are half a day apart within a day: one failure in a week without
events says little.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from exporters.models import ExporterConfig

logger = logging.getLogger(__name__)

AFTER = timedelta(hours=120)
APART = timedelta(hours=12)
WITHIN = timedelta(hours=24)
REASON = "All attempts failed for 120 hours."
# What a success, a person's `enable` and other settings bring back.
FRESH: dict[str, object] = {"failing_since": None, "failing_steadily": False}


def after_failure(exporter: ExporterConfig, now: datetime) -> dict[str, object]:
    """Return what one more failure changes about the clock, when nothing has got through."""
    since = exporter.failing_since
    if since is None or (not exporter.failing_steadily and now - since > WITHIN):
        return {"failing_since": now}
    if not exporter.failing_steadily and now - since >= APART:
        return {"failing_steadily": True}
    return {}


def is_hopeless(exporter: ExporterConfig, now: datetime) -> bool:
    since = exporter.failing_since
    return exporter.failing_steadily and since is not None and now - since >= AFTER


def disable_for(exporter: ExporterConfig, reason: str) -> None:
    """Disable it, say why, and write that into the audit log; what is pending waits.

    Once, whoever finds out first: others at work on it find it disabled. Inside a transaction.
    """
    from anpr_project.lib.auditing import identity, write_down_worker  # late: these load DRF
    from audit.models import Action

    enabled = ExporterConfig.objects.filter(pk=exporter.pk, enabled=True)
    if enabled.update(enabled=False, disabled_reason=reason):
        changed = {"fields": {"enabled": [True, False]}}
        write_down_worker(Action.CHANGED, identity(exporter) | changed, reason=reason)
        logger.warning("exporter disabled", extra={"exporter": exporter.pk, "reason": reason})
    exporter.enabled, exporter.disabled_reason = False, reason
