"""Why somebody looks: asked of everybody where the operator demands it, kept with each look.

Programs send it in a header; people say it once on a page, and their session carries it, for a
browser sends no header of ours with pictures, downloads and sockets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from django.conf import settings

from anpr_project.lib.errors import FieldError
from anpr_project.lib.text import forbidden_character

HEADER = "X-Search-Reason"
SESSION_KEY = "search_reason"
SHORTEST, LONGEST = 3, 500


def checked(text: str, field: str = HEADER) -> str:
    """Return the reason without space around it; FieldError if it is none."""
    reason = text.strip()
    if not SHORTEST <= len(reason) <= LONGEST or forbidden_character(reason):
        raise FieldError(
            field, "invalid", f"Expected a reason of {SHORTEST} to {LONGEST} plain characters."
        )
    return reason


def reason_given(header: str | None, session: Mapping[str, Any] | None) -> str:
    """Return why, or an empty text where nobody demands to know; FieldError where somebody does.

    The header is percent-encoded UTF-8.
    """
    if header:
        return checked(unquote(header))
    reason = "" if session is None else str(session.get(SESSION_KEY, ""))
    if not reason and settings.REQUIRE_SEARCH_REASON:
        raise FieldError(
            HEADER, "reason_required", f"Say why you look, in the header {HEADER} or on /reason."
        )
    return reason
