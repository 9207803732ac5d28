"""A sensor's answer is the one of Django's own handler, which tells others of the request besides."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import connection
from django.test import RequestFactory

from anpr_project.sensor_handler import SensorHandler
from events.models import PlateEvent
from events.tests.conftest import INGEST, make_sender
from events.tests.factories import multipart, picture, reading

pytestmark = pytest.mark.django_db(transaction=True)
BATCH = f"{INGEST}/batch"
Answer = tuple[str, dict[str, str], bytes]


def ask(handler: WSGIHandler, path: str, form: dict[str, Any], **headers: str) -> Answer:
    """Return status, headers and content as a server gets them."""
    headers |= {"X-Request-ID": "the-same-for-all"}
    environ = RequestFactory().generic("POST", path, **form, headers=headers).environ
    environ["wsgi.input"] = io.BytesIO(form["data"])
    told: list[Any] = []
    # Any: its type is that of a server, which could write too.
    start_response: Any = lambda *arguments: told.extend(arguments)  # noqa: E731
    answer: Any = handler(environ, start_response)
    content = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    return told[0], dict(told[1]), content


@contextmanager
def signals() -> Iterator[list[str]]:
    heard: list[str] = []

    def begun(**_: Any) -> None:
        heard.append("begun")

    def ended(**_: Any) -> None:
        heard.append("ended")

    request_started.connect(begun)
    request_finished.connect(ended)
    try:
        yield heard
    finally:
        request_started.disconnect(begun)
        request_finished.disconnect(ended)


@pytest.mark.main_path
def test_the_answer_is_that_of_django() -> None:
    sender = make_sender()
    key = {"Authorization": sender.authorization}
    stored = multipart(reading(), frame=picture(), crop=picture())
    assert ask(SensorHandler(), INGEST, stored, **key)[0] == "201 Created"
    many = {"data": json.dumps([reading()]).encode(), "content_type": "application/json"}
    assert ask(SensorHandler(), BATCH, many, **key)[0] == "200 OK"
    for path, form, headers in (
        (INGEST, stored, key),
        (BATCH, many, key),
        (INGEST, multipart("{"), key),
        (INGEST, {"data": b"", "content_type": "text/plain"}, key),
        (INGEST, stored, {"Authorization": "Api-Key wrong"}),
        (INGEST, stored, {"Authorization": sender.authorization, "Origin": "https://a.example"}),
        (INGEST, stored, {"Authorization": sender.authorization, "Host": "elsewhere.example"}),
        (INGEST, stored, {}),
    ):
        ours, djangos = (ask(one(), path, form, **headers) for one in (SensorHandler, WSGIHandler))
        assert ours == djangos, (path, headers)
    assert PlateEvent.objects.count() == 2


def test_nobody_is_told_of_a_sensors_request_and_the_connection_is_given_back() -> None:
    key = {"Authorization": make_sender().authorization}
    many = {"data": json.dumps([reading()]).encode(), "content_type": "application/json"}
    with signals() as heard:
        ask(SensorHandler(), BATCH, many, **key)
    assert heard == []
    assert connection.connection is None or connection.vendor == "sqlite"


def test_everybody_is_told_of_all_others() -> None:
    key = {"Authorization": make_sender().authorization}
    nothing = {"data": b"", "content_type": "text/plain"}
    with signals() as heard:
        ask(SensorHandler(), INGEST, nothing)
        ask(SensorHandler(), "/api/v1/events", nothing, **key)
    assert heard == ["begun", "ended"] * 2
