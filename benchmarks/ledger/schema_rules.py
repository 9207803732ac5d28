"""What schemathesis cannot know from the schema: when it is right to refuse a request that fits it.

Loaded by schemathesis itself (SCHEMATHESIS_HOOKS). A refusal counts as right only if every error
has one of the codes below, which speak of what is stored, or of a rule that JSON Schema cannot say.
"""

from __future__ import annotations

from typing import Any

import schemathesis
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

RULES = {
    # What is stored already.
    "unique": "a name that is taken",
    "does_not_exist": "the id of a row that is not there",
    "immutable": "the type of an exporter that has one",
    "protected": "what others refer to",
    # How parts of a request belong together.
    "geometry": "a ring is closed, does not cross itself, and lies in its space",
    "schema": "parameters fit the schema of their model type",
    "out_of_range": "a range ends after it begins",
    "incomplete": "some numbers come in pairs; a hold names something",
    # What a text means.
    "blank": "a text of spaces alone is empty",
    "address": "an address that exporters may reach",
    # Tools read the pattern of a plain text in different ways: some pass over it.
    "character": "a text without control characters",
    "null_characters_not_allowed": "NUL, the first of them",
    # What bytes mean: this one with 415.
    "not_an_image": "a picture is a JPEG, PNG or WebP",
}
# The same, where the code alone would excuse too much.
FIELDS = {
    ("cursor", "invalid"): "a cursor is one of ours",
    ("plate", "invalid"): "a plate holds a letter or digit",
    ("similar", "invalid"): "a plate holds 1 to 32 letters and digits",
    ("also", "invalid"): "a plate holds a letter or digit, and no wildcard",
    ("reason", "invalid"): "a reason is more than spaces",
    ("", "too_many"): "an evidence package holds at most 400 events",
    ("from", "required"): "ids to send again, or a time to start from",
    ("to", "invalid"): "a range ends after it begins",
    ("ids", "invalid"): "ids to send again, or a range, not both",
    ("bucket", "too_many"): "a range has at most 5,000 steps",
    ("capacity", "capacity"): "only a parking zone has one",
    ("longitude", "required"): "latitude and longitude go together",
    ("latitude", "required"): "longitude and latitude go together",
    ("rtsp_url", "url"): "an address of a camera",
    ("rtsp_url", "password"): "*** stands for the password that is stored",
    ("older_than", "unknown"): "the id of an event that is not there",
    ("newer_than", "unknown"): "the id of an event that is not there",
}
# What an exporter's settings and credentials have to be depends on its type.
PARTS = ("config.", "auth.")
# The pattern of a plain text again, in what is read without DRF.
CHARACTER = "Holds a character that is not allowed here."


def _is_by_rule(response: Any) -> bool:
    try:
        errors = response.json()["errors"]
    except (ValueError, KeyError, TypeError):
        return False
    return bool(errors) and all(_is_rule(**error) for error in errors)


def _is_rule(field: str, code: str, message: str) -> bool:
    by_place = field.startswith(PARTS) or message == CHARACTER
    return by_place or code in RULES or (field, code) in FIELDS


@schemathesis.check
def valid_data_is_taken(ctx: Any, response: Any, case: Any) -> bool | None:
    """Schemathesis' own check of positive data, but for refusals by a rule."""
    differs = response.status_code == 422 and b'"content_differs"' in response.content
    if differs or (response.status_code in {400, 415} and _is_by_rule(response)):
        return None
    return positive_data_acceptance(ctx, response, case)


def _is_refused_in_its_place(response: Any, case: Any) -> bool:
    """A line of garbage in a batch, which must not hold up the lines beside it."""
    if response.status_code != 200 or case.operation.path != "/api/v1/events/ingest/batch":
        return False
    return all(result["status"] == 400 for result in response.json())


@schemathesis.check
def invalid_data_is_refused(ctx: Any, response: Any, case: Any) -> bool | None:
    """Schemathesis' own check of negative data, but for a batch, which answers event by event."""
    if _is_refused_in_its_place(response, case):
        return None
    return negative_data_rejection(ctx, response, case)
