"""HTTP doors of ingest, and of the pictures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, cast

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.generics import GenericAPIView, get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from anpr_project.lib.auditing import reason_of, write_down
from anpr_project.lib.authentication import TokenAuthentication
from anpr_project.lib.body import BodyParser, read_body
from anpr_project.lib.error_handler import error_response
from anpr_project.lib.errors import FieldError
from anpr_project.lib.json_format import json_response
from anpr_project.lib.permissions import ModelPermissions
from audit.models import Action
from events import ingest_documentation, metrics
from events.ingest.batch import record_batch
from events.ingest.recording import Outcome, Result, record
from events.ingest.submission import (
    BatchParser,
    JSONEventParser,
    MultipartEventParser,
    NDJSONBatchParser,
)
from events.models import PlateEvent
from events.pictures import images, links
from sensors.authentication import IsSensor, SensorKeyAuthentication, admitted
from sensors.credentials import Credential

LINK_PARAMETERS = frozenset({"expires", "signature"})


class SensorView(APIView):
    """Base of what only a sensor may call.

    Its POST goes past DRF's request, negotiation and response, which cost more than storing the
    event. Whoever is no enabled sensor, or does something else, is told so by DRF; a person's
    token gets 403 there instead of 401.
    """

    authentication_classes = [SensorKeyAuthentication, TokenAuthentication]
    permission_classes = [IsSensor]
    parser_classes: Sequence[type[BodyParser]]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        started = time.perf_counter()
        response: HttpResponse
        try:
            credential = admitted(request) if request.method == "POST" else None
        except DatabaseError as error:
            response = self._refuse(error)
        else:
            if credential is None:
                said = cast(Response, super().dispatch(request, *args, **kwargs))
                response = said.render()
            else:
                response = self._answer(request, credential)
        metrics.INGEST_REQUESTS.labels(response.status_code).inc()
        metrics.INGEST_SECONDS.observe(time.perf_counter() - started)
        return response

    def _answer(self, request: HttpRequest, credential: Credential) -> HttpResponse:
        try:
            return self.post(request, credential)
        except Exception as error:
            return self._refuse(error)

    def _refuse(self, error: Exception) -> HttpResponse:
        metrics.INGEST_REJECTED.labels(_reason(error)).inc()
        refusal = error_response(error)
        if refusal is None:
            raise error
        return refusal

    def parsed(self, request: HttpRequest) -> Any:
        """Return what the parser for the body's content type makes of it."""
        content_type = request.content_type or ""
        if request.META.get("CONTENT_LENGTH") in (None, "", "0"):
            # It needs no type then; the plainest parser says what is missing.
            content_type = self.parser_classes[-1].media_type
        for parser in self.parser_classes:
            if content_type == parser.media_type:
                length = request.META.get("CONTENT_LENGTH", "")
                body = read_body(request, parser.max_bytes, parser.field, length)
                return parser().parse_body(body, request.META.get("CONTENT_TYPE", ""))
        raise exceptions.UnsupportedMediaType(content_type)

    def post(self, request: HttpRequest, credential: Credential) -> HttpResponse:
        raise NotImplementedError

    def handle_exception(self, exc: Exception) -> Response:
        metrics.INGEST_REJECTED.labels(_reason(exc)).inc()
        return super().handle_exception(exc)


def _reason(error: Exception) -> str:
    """A short, bounded word for the metric."""
    if isinstance(error, exceptions.APIException):
        codes = error.get_codes()
        return codes if isinstance(codes, str) else "invalid"
    return type(error).__name__


class IngestView(SensorView):
    parser_classes = [MultipartEventParser, JSONEventParser]

    @extend_schema(**ingest_documentation.INGEST)
    def post(self, request: HttpRequest, credential: Credential) -> HttpResponse:
        submission = self.parsed(request)
        result = record(credential=credential, submission=submission)
        metrics.INGEST_BYTES.inc(submission.received_bytes)
        return _answer(result)


def _answer(result: Result) -> HttpResponse:
    status_code = result.outcome.value
    if result.event is None:
        status = "erased" if result.was_erased else "excluded"
        metrics.INGEST_REJECTED.labels(status).inc()
        return json_response(
            {"status": status, "zone": result.zone and result.zone.pk}, status_code
        )
    response = json_response(result.event, status_code)
    if result.outcome is Outcome.REPEATED:
        metrics.INGEST_DUPLICATES.inc()
        response["Idempotent-Replayed"] = "true"
    else:
        metrics.INGEST_EVENTS.inc()
    return response


class BatchIngestView(SensorView):
    parser_classes = [BatchParser, NDJSONBatchParser]

    @extend_schema(**ingest_documentation.BATCH)
    def post(self, request: HttpRequest, credential: Credential) -> HttpResponse:
        raw_events = self.parsed(request)
        results = record_batch(credential=credential, raw_events=raw_events)
        metrics.INGEST_BYTES.inc(sum(map(len, raw_events)))
        for result in results:
            if "error" in result:
                metrics.INGEST_REJECTED.labels(result["error"]["code"]).inc()
        statuses = [result["status"] for result in results]
        metrics.INGEST_EVENTS.inc(statuses.count(Outcome.STORED.value))
        metrics.INGEST_DUPLICATES.inc(statuses.count(Outcome.REPEATED.value))
        return json_response(results)


class PictureView(GenericAPIView[PlateEvent]):
    """Serves a picture without metadata; `?original=1` the untouched bytes, to administrators.

    A signed link (`?expires=&signature=`) opens it without a login, but never the original.
    """

    queryset = PlateEvent.objects.all()
    permission_classes = [ModelPermissions]
    kind = "frame"

    @property
    def is_linked(self) -> bool:
        return not LINK_PARAMETERS.isdisjoint(self.request.query_params)

    def check_permissions(self, request: Request) -> None:
        if not self.is_linked:
            super().check_permissions(request)
            return
        query = request.query_params
        if not links.is_valid(
            self.kwargs["pk"],
            self.kind,
            expires=query.get("expires", ""),
            signature=query.get("signature", ""),
            now=timezone.now(),
        ):
            raise exceptions.PermissionDenied("This link has expired, or is not one of ours.")

    @extend_schema(**ingest_documentation.PICTURE)
    def get(self, request: Request, pk: int) -> HttpResponse:
        event = get_object_or_404(PlateEvent.objects.by_id(pk))
        name: str = getattr(event, self.kind)
        original = request.query_params.get("original", "0")
        if original not in ("0", "1"):
            raise FieldError("original", "invalid", "Expected 0 or 1.")
        is_original = original == "1"
        if is_original and (self.is_linked or not request.user.has_perm("events.view_original")):
            raise exceptions.PermissionDenied("Only administrators may see the original bytes.")
        data = images.shown(name, original=is_original)
        if data is None:
            raise exceptions.NotFound(f"This event has no {self.kind} that can be shown.")
        action = Action.ORIGINAL if is_original else Action.PICTURE
        write_down(request, action, {"event": pk, "kind": self.kind}, reason=reason_of(request))
        return HttpResponse(
            data,
            content_type=images.content_type(name),
            headers={
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "private, max-age=3600",
                "Content-Security-Policy": "default-src 'none'; sandbox",
                # A link is for the pages of others.
                "Cross-Origin-Resource-Policy": (
                    "cross-origin" if self.is_linked else "same-origin"
                ),
                "Content-Disposition": (
                    f"{'attachment' if is_original else 'inline'}; "
                    f'filename="event-{pk}-{self.kind}.{images.extension(name)}"'
                ),
            },
        )
