"""What orchestrators and people ask: does it live, is it ready, how is it.

`/liveness` depends on nothing, else a short database outage would restart every process.
`/ready` leaves out Redis and the brokers: the product serves without them.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Max
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from anpr_project import __version__
from anpr_project.lib.probe import Probe
from anpr_project.lib.read_only import read_only
from anpr_project.migrated import is_migrated
from anpr_project.processes import DRAINING_MARKER
from events.pictures.stores import picture_store
from exporters.models import WorkerHeartbeat

WORKER_IS_STALE_AFTER = timedelta(seconds=15)
# Set once every migration was found applied; this process cannot lose one later.
migrated = threading.Event()


@dataclass(frozen=True)
class Database:
    status: str
    latency_ms: float | None = None
    migrated: bool = False
    last_beat_at: datetime | None = None


@dataclass(frozen=True)
class Storage:
    status: str
    free_mb: int | None = None


@contextmanager
def own_connection() -> Iterator[BaseDatabaseWrapper]:
    """Give this thread a connection outside the pool.

    A pool that is busy, or full of connections that died, must not speak for the database.
    """
    default = connections["default"]
    parameters = copy.deepcopy(default.settings_dict)
    parameters["OPTIONS"].pop("pool", None)
    connection = connections["default"] = type(default)(parameters, "default")
    try:
        yield connection
    finally:
        connection.close()
        connections["default"] = default


def _migrations_applied(connection: BaseDatabaseWrapper) -> bool:
    if not migrated.is_set() and is_migrated(connection):
        migrated.set()
    return migrated.is_set()


def ask_database() -> Database:
    with own_connection() as connection, connection.cursor() as cursor:
        started = time.perf_counter()
        cursor.execute("SELECT 1")
        latency_ms = round((time.perf_counter() - started) * 1000, 2)
        if not _migrations_applied(connection):
            return Database("up", latency_ms)
        newest = WorkerHeartbeat.objects.aggregate(newest=Max("beat_at"))["newest"]
        return Database("up", latency_ms, migrated=True, last_beat_at=newest)


def ask_redis() -> str:
    if not settings.REDIS:
        return "disabled"
    # Late: 13 MB, for who is asked about /health or uses the cache.
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    limits = {"socket_connect_timeout": 1, "socket_timeout": 1, "retry": Retry(NoBackoff(), 0)}
    with redis.Redis(**settings.REDIS | limits) as client:
        client.ping()
    return "up"


def ask_storage() -> Storage:
    """Try the place where the pictures go, and see what room is left."""
    store = picture_store()
    store.check()
    free = store.free_bytes()
    free_mb = None if free is None else free // 2**20
    is_full = free_mb is not None and free_mb < settings.MIN_FREE_MB
    return Storage("full" if is_full else "up", free_mb)


database = Probe(ask_database, failed=Database("down"), keep_s=1)
redis_server = Probe(ask_redis, failed="down", keep_s=1)
storage = Probe(ask_storage, failed=Storage("down"), keep_s=2)


def _worker(state: Database) -> str:
    if not state.migrated:
        return "unknown"
    beat_at = state.last_beat_at
    alive = beat_at is not None and timezone.now() - beat_at <= WORKER_IS_STALE_AFTER
    return "up" if alive else "down"


def _services() -> dict[str, dict[str, Any]]:
    for probe in (database, redis_server, storage):
        probe.start()
    state, disk = database.answer(), storage.answer()
    return {
        "database": {"status": state.status, "latency_ms": state.latency_ms},
        "redis": {"status": redis_server.answer()},
        "storage": {"status": disk.status, "free_mb": disk.free_mb},
        "worker": {"status": _worker(state), "last_beat_at": state.last_beat_at},
    }


@read_only
def health(request: HttpRequest) -> HttpResponse:
    services = _services()
    if any(services[name]["status"] != "up" for name in ("database", "storage")):
        status = "unhealthy"
    elif services["redis"]["status"] == "down" or services["worker"]["status"] != "up":
        status = "degraded"
    else:
        status = "healthy"
    answer = {"status": status, "version": __version__, "services": services}
    return JsonResponse(answer, status=503 if status == "unhealthy" else 200)


@read_only
def ready(request: HttpRequest) -> HttpResponse:
    """Say whether traffic may come. A full disk is no reason against it: reading still works."""
    database.start()
    disk, state = storage.answer(), database.answer()
    checks = {
        "database": state.status == "up",
        "migrations": state.migrated,
        "storage": disk.status != "down",
        "not_draining": not (settings.DATA_DIR / DRAINING_MARKER).exists(),
    }
    is_ready = all(checks.values())
    status = "ready" if is_ready else "not ready"
    return JsonResponse({"status": status, "checks": checks}, status=200 if is_ready else 503)


@read_only
def liveness(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "alive"})
