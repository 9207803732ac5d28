"""JSON for DRF: its parser and its renderer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import JSONRenderer as DRFJSONRenderer

from anpr_project.lib.body import BodyParser
from anpr_project.lib.json_format import decode, encode

MAX_BODY_BYTES = 1024 * 1024


class JSONParser(BodyParser):
    media_type = "application/json"
    max_bytes = MAX_BODY_BYTES

    def parse_body(self, body: bytes, media_type: str) -> Any:
        return decode(body)


class JSONRenderer(DRFJSONRenderer):
    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else encode(data)
