"""HTTP doors of what a data subject may ask for: a copy, and erasure."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from anpr_project.lib.auditing import write_down
from anpr_project.lib.errors import FieldError
from anpr_project.lib.permissions import ModelPermissions
from audit.models import Action
from events.browse import EventReader
from events.download.views import AnyAccepted, Place, download_headers
from events.filters import one_value
from events.models import PlateEvent
from evidence.views import MayTakeEvidence
from privacy import documentation
from privacy.copy import Copy, Order
from privacy.erasure import Erasure, Held
from privacy.kept import kept_about
from privacy.request import Wish, plate_of

# Of one request; what is left is for the next.
LONGEST_S = 10.0
ERASE, SEE_HOLDS = "events.erase_plate", "events.view_legalhold"
NAMELESS = "a legal hold"


class PlateCopyView(EventReader):
    permission_classes = [MayTakeEvidence]
    content_negotiation_class = AnyAccepted

    @extend_schema(**documentation.COPY)
    def get(self, request: Request) -> HttpResponseBase:
        """Everything that is kept about one plate, as a ZIP: events, pictures, looks, recipients."""
        if unknown := sorted(self.query.keys() - {"plate"}):
            raise FieldError(unknown[0], "unknown", "There is no such parameter.")
        if "plate" not in self.query:
            raise FieldError("plate", "required", "Say which plate.")
        plate = plate_of(one_value("plate", self.query["plate"]))
        now = timezone.now()
        headers = download_headers("plate", "application/zip", "zip", now)
        if request.method == "HEAD":
            return HttpResponse(headers=headers)
        place, download = Place.free(request)
        self.record(Action.COPY)
        pieces = Copy(Order(plate, now)).pieces()
        return StreamingHttpResponse(download(place, pieces), headers=headers)


class MayErase(ModelPermissions):
    perms_map = {method: [ERASE] for method in ("GET", "HEAD", "OPTIONS", "POST")}


class ErasureView(APIView):
    queryset = PlateEvent.objects.all()
    permission_classes = [MayErase]

    @extend_schema(**documentation.ERASE)
    def post(self, request: Request) -> Response:
        """Erase all events of a plate, with pictures, deliveries and counts; or tell what there is.

        409 `held` when a legal hold keeps any of it: then nothing is erased. Large erasures take
        several requests: ask again until `complete`.
        """
        wish = Wish.parse(request.data)
        return Response(fulfil(wish, request))


def fulfil(wish: Wish, request: Any) -> Any:
    """Erase, or only look; written down either way."""
    erasure = Erasure(wish.plates, partial(write_down, request, reason=wish.reason))
    sees_holds = request.user.has_perm(SEE_HOLDS)
    if not wish.dry_run:
        try:
            return erasure.run(LONGEST_S)
        except Held as held:
            raise held if sees_holds else Held([NAMELESS]) from None
    kept = kept_about(wish.plates)
    erasure.write(Action.ERASURE, erasure.subject(dry_run=True), found=kept.events)
    if sees_holds:
        return kept
    holds = (NAMELESS,) if kept.holds else ()
    return msgspec.structs.replace(kept, holds=holds, named_by_holds=())
