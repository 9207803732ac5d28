"""HTTP doors of evidence: the package, and the keys by which it is verified."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from anpr_project.lib.permissions import ModelPermissions
from audit.models import Action
from events.browse import EventReader
from events.download.views import AnyAccepted, Place, download_headers
from evidence import documentation
from evidence.models import SigningKey
from evidence.package import Order, Package
from evidence.selection import chosen, subject_of

PERMISSIONS = ("events.view_original", "audit.view_auditentry")


class MayTakeEvidence(ModelPermissions):
    """A package holds original pictures and who looked: it is for those who may see both."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return super().has_permission(request, view) and request.user.has_perms(PERMISSIONS)


class EvidenceView(EventReader):
    permission_classes = [MayTakeEvidence]
    content_negotiation_class = AnyAccepted

    @extend_schema(**documentation.EVIDENCE)
    def get(self, request: Request) -> HttpResponseBase:
        """A signed ZIP of one event or of a search's result.

        With original pictures, records, who looked, and a program that verifies it.
        """
        events = chosen(self.query)
        now = timezone.now()
        name = f"event-{events[0][0]}" if len(events) == 1 else f"{len(events)}-events"
        headers = download_headers(f"evidence-{name}", "application/zip", "zip", now)
        if request.method == "HEAD":
            return HttpResponse(headers=headers)
        place, download = Place.free(request)
        key = SigningKey.current().readable()
        # Before the package is made, which tells of itself too.
        self.record(Action.EVIDENCE, found=len(events), **subject_of(events))
        order = Order(events, now, request.user.get_username(), self.reason, self.query)
        return StreamingHttpResponse(download(place, Package(order, key).pieces()), headers=headers)


class PublicKey(msgspec.Struct, frozen=True):
    key_id: str
    algorithm: str
    public_key: str
    created_at: str
    retired_at: str | None


def public_keys() -> list[PublicKey]:
    """Return every key that ever signed, newest first."""
    return [
        PublicKey(
            key.key_id,
            key.algorithm,
            key.public_key,
            key.created_at.isoformat(),
            key.retired_at.isoformat() if key.retired_at else None,
        )
        for key in SigningKey.objects.all()
    ]


class KeysView(APIView):
    permission_classes = [IsAuthenticated]

    @extend_schema(**documentation.KEYS)
    def get(self, request: Request) -> Response:
        """The public keys of this installation, newest first; old ones verify old packages."""
        SigningKey.current()
        return Response(public_keys())
