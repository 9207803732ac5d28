"""How an S3-compatible object storage is reached: options of django-storages."""

from __future__ import annotations

from typing import Any

# An answer must come while the sensor still waits; it sends again, with the same event_id.
CONNECT_TIMEOUT_S, READ_TIMEOUT_S, ATTEMPTS = 2, 10, 2
# As many as a process has threads that store pictures, with room.
CONNECTIONS = 32


def s3_storage(**options: str) -> dict[str, Any]:
    """Return the entry of STORAGES; empty options are left to botocore (a role of the machine, say)."""
    # Here, not above: only installations that use it pay for loading botocore.
    from botocore.config import Config

    client_config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        max_pool_connections=CONNECTIONS,
    )
    given = {name: value for name, value in options.items() if value}
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {**given, "client_config": client_config},
    }
