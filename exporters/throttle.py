"""A limit for what reaches out: a few tests a minute for each user."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

logger = logging.getLogger(__name__)

LIMIT = 5
WINDOW_S = 60


def seconds_to_wait(user: Any) -> float:
    """Count one test of this user; return 0 when it may go, else how long until one may.

    Counted in the cache, which all processes share when there is Redis.
    """
    from redis.exceptions import RedisError  # late: 13 MB, for the few who test exporters

    key = f"export-test-{user.pk}"
    try:
        # Both are set by the first request of a window only, and atomically.
        cache.add(f"{key}-until", time.time() + WINDOW_S, WINDOW_S)
        cache.add(key, 0, WINDOW_S)
        until = float(cache.get(f"{key}-until", 0))
        return 0 if cache.incr(key) <= LIMIT else max(1.0, until - time.time())
    except (RedisError, ValueError):
        # Redis is away, or the window ended between the lines: a test harms nobody.
        logger.warning("tests of exporters are not counted")
        return 0


class TrialThrottle(BaseThrottle):
    """Answers 429 with Retry-After."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        self.seconds = seconds_to_wait(request.user)
        return not self.seconds

    def wait(self) -> float:
        return self.seconds
