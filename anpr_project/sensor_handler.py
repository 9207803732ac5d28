"""Django's WSGI handler, for sensors without what only others need."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import close_old_connections
from django.urls import reverse

from anpr_project.program_requests import INGEST, SENSOR, scheme_of


@cache
def _paths() -> frozenset[str]:
    return frozenset(map(reverse, INGEST))


class SensorHandler(WSGIHandler):
    """Tells nobody that a sensor's request has begun or ended; everything else is Django's.

    Of those who listen to these signals only the database has something to do, and that is done
    here. To tell them all, and to set the prefix of a script that we do not have, was a twelfth of
    an event.
    """

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] not in _paths() or scheme_of(environ) != SENSOR:
            return super().__call__(environ, start_response)
        try:
            response: Any = self.get_response(WSGIRequest(environ))
        finally:
            close_old_connections()
        status = f"{response.status_code} {response.reason_phrase}"
        start_response(status, list(response.items()))
        return [response.content]
