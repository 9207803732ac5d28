"""What an API key stands for, remembered by each process for as long as the configuration rests.

Two queries for each event would cost more than storing it. What is remembered is dropped as soon as
the database says that a camera, a zone, a sensor or a key has changed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.db import connection

from sensors.configuration_changes import changes
from sensors.models import SensorKey, SensorSettings
from zones.models import Zone

# A bound on memory, not a tuning knob: a site has tens of sensors, a country ten thousand.
MAX_REMEMBERED = 20_000


@dataclass(frozen=True)
class Credential:
    """A live key, its sensor, and the enabled zones of the sensor's camera."""

    key: SensorKey
    zones: tuple[Zone, ...]

    @property
    def sensor(self) -> SensorSettings:
        return self.key.sensor


_remembered: dict[bytes, tuple[int, Credential]] = {}


def _load(text: str) -> Credential | None:
    key = SensorKey.objects.matching(text)
    if key is None:
        return None
    camera = key.sensor.camera
    return Credential(key, tuple(camera.zones.filter(enabled=True)) if camera else ())


def credential_of(text: str) -> Credential | None:
    """Return what the key is good for now, or None when it is not a live one."""
    revision = changes.revision()
    if revision is None or connection.in_atomic_block:
        # Nobody would tell of changes; or they are this transaction's own, not told yet.
        return _load(text)
    # The digest: a dump of this process's memory should not be full of keys.
    name = hashlib.sha256(text.encode()).digest()
    known = _remembered.get(name)
    if known is not None and known[0] == revision:
        return known[1]
    found = _load(text)
    if found is not None:
        if len(_remembered) >= MAX_REMEMBERED:
            _remembered.clear()
        _remembered[name] = revision, found
    return found
