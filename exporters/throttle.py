"""A limit for what reaches out: a few tests a minute for each user."""

from __future__ import annotations

import logging
import time

from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

logger = logging.getLogger(__name__)


class TrialThrottle(BaseThrottle):
    """Counts in the cache, which all processes share when there is Redis; without it, it lets pass."""

    limit = 5
    window_s = 60

    def allow_request(self, request: Request, view: APIView) -> bool:
        key = f"export-test-{request.user.pk}"
        try:
            # Both set only by the first request of a window, and atomically.
            cache.add(f"{key}-until", time.time() + self.window_s, self.window_s)
            cache.add(key, 0, self.window_s)
            self.until = cache.get(f"{key}-until", time.time() + 1)
            return cache.incr(key) <= self.limit
        except (RedisError, ValueError):
            # Redis is away; or the window ended between the lines.
            logger.warning("tests of exporters are not counted")
            return True

    def wait(self) -> float:
        return max(1.0, float(self.until) - time.time())
