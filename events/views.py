"""HTTP doors of ingest, and of the pictures."""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from anpr_project.lib.authentication import TokenAuthentication
from anpr_project.lib.errors import FieldError
from anpr_project.lib.permissions import ModelPermissions
from events import images, ingest_documentation, links, metrics
from events.batch import record_batch
from events.ingest import Outcome, Result, record
from events.models import PlateEvent
from events.representation import represent
from events.submission import (
    BatchParser,
    JSONEventParser,
    MultipartEventParser,
    NDJSONBatchParser,
    Submission,
)
from sensors.authentication import IsSensor, SensorKeyAuthentication
from sensors.credentials import Credential

LINK_PARAMETERS = frozenset({"expires", "signature"})


class SensorView(APIView):
    """Base of what only a sensor may call; a person's token gets 403 there instead of 401."""

    authentication_classes = [SensorKeyAuthentication, TokenAuthentication]
    permission_classes = [IsSensor]

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        self.started = time.perf_counter()
        return super().initialize_request(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        metrics.INGEST_REJECTED.labels(_reason(exc)).inc()
        return response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        metrics.INGEST_REQUESTS.labels(response.status_code).inc()
        metrics.INGEST_SECONDS.observe(time.perf_counter() - self.started)
        return super().finalize_response(request, response, *args, **kwargs)


def _reason(error: Exception) -> str:
    """A short, bounded word for the metric."""
    if isinstance(error, exceptions.APIException):
        codes = error.get_codes()
        return codes if isinstance(codes, str) else "invalid"
    return type(error).__name__


class IngestView(SensorView):
    parser_classes = [MultipartEventParser, JSONEventParser]

    @extend_schema(**ingest_documentation.INGEST)
    def post(self, request: Request) -> Response:
        assert isinstance(request.auth, Credential)  # noqa: S101 - IsSensor admits nothing else
        submission = request.data
        if not isinstance(submission, Submission):  # DRF parses no empty body
            raise FieldError("event", "required", "The body is empty.")
        result = record(credential=request.auth, submission=submission)
        metrics.INGEST_BYTES.inc(submission.received_bytes)
        return _answer(result)


def _answer(result: Result) -> Response:
    status_code = result.outcome.value
    if result.event is None:
        metrics.INGEST_REJECTED.labels("excluded").inc()
        return Response(
            {"status": "excluded", "zone": result.zone and result.zone.pk}, status=status_code
        )
    view = represent(result.event, result.tyres)
    if result.outcome is Outcome.REPEATED:
        metrics.INGEST_DUPLICATES.inc()
        return Response(view, status=status_code, headers={"Idempotent-Replayed": "true"})
    metrics.INGEST_EVENTS.inc()
    return Response(view, status=status_code)


class BatchIngestView(SensorView):
    parser_classes = [BatchParser, NDJSONBatchParser]

    @extend_schema(**ingest_documentation.BATCH)
    def post(self, request: Request) -> Response:
        assert isinstance(request.auth, Credential)  # noqa: S101 - IsSensor admits nothing else
        # DRF parses no empty body and gives an empty dict instead.
        raw_events = request.data if isinstance(request.data, list) else []
        results = record_batch(credential=request.auth, raw_events=raw_events)
        metrics.INGEST_BYTES.inc(sum(map(len, raw_events)))
        for result in results:
            if "error" in result:
                metrics.INGEST_REJECTED.labels(result["error"]["code"]).inc()
        statuses = [result["status"] for result in results]
        metrics.INGEST_EVENTS.inc(statuses.count(Outcome.STORED.value))
        metrics.INGEST_DUPLICATES.inc(statuses.count(Outcome.REPEATED.value))
        return Response(results)


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
        name: str = getattr(self.get_object(), self.kind)
        is_original = request.query_params.get("original") == "1"
        if is_original and (self.is_linked or not request.user.has_perm("events.view_original")):
            raise exceptions.PermissionDenied("Only administrators may see the original bytes.")
        data = images.shown(name, original=is_original)
        if data is None:
            raise exceptions.NotFound(f"This event has no {self.kind} that can be shown.")
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
