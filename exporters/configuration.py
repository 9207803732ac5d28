"""What an exporter's row says, typed and checked in one place for API, admin and worker."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from django.core.exceptions import ValidationError

from anpr_project.lib.structs import field_error
from anpr_project.lib.text import validate_json_texts
from exporters.matching import Filters
from exporters.models import ExporterConfig
from exporters.retry import RetryPolicy
from exporters.transports import Transport
from exporters.transports.known import TRANSPORTS

LOST_KEY = "The stored secret cannot be opened with the present ENCRYPTION_KEYS: give it again."


@dataclass(frozen=True)
class Settings:
    """A checked configuration."""

    transport: type[Transport]
    config: Any
    auth: Any
    retry: RetryPolicy
    filters: Filters


@dataclass(frozen=True)
class Problem:
    """What is wrong where: `field` is a path like `config.url`."""

    field: str
    code: str
    message: str


class InvalidConfiguration(Exception):
    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.message}" for problem in problems))
        self.problems = problems


def _from_text(part: str, error: ValueError) -> Problem:
    """Read `field: problem`, as check() methods say it."""
    field, colon, message = str(error).partition(": ")
    if not colon:
        return Problem(part, "invalid", str(error))
    known = field.startswith(("config.", "auth.")) or field in ("config", "auth")
    return Problem(field if known else f"{part}.{field}", "invalid", message)


def _auth_of(exporter: ExporterConfig) -> Any:
    """Return the credentials of the row as JSON values."""
    try:
        return msgspec.json.decode(exporter.auth)
    except msgspec.DecodeError:
        raise InvalidConfiguration([Problem("auth", "lost", LOST_KEY)]) from None


def _without_line_ends(value: Any) -> Any:
    """Take the line ends out of the one text that has lines, so that it passes as plain text."""
    if not isinstance(value, dict) or not isinstance(value.get("ca_certificate"), str):
        return value
    return value | {"ca_certificate": re.sub(r"[\r\n]", "", value["ca_certificate"])}


class _Reader:
    """Collects the problems of all parts, so that a form is told them at once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def convert(self, part: str, value: Any, kind: Any) -> Any:
        try:
            validate_json_texts(_without_line_ends(value))
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            wrong = field_error(error, part, kind)
            self.problems.append(Problem(wrong.field, str(wrong.get_codes()), str(wrong.detail)))
        except ValidationError as error:
            self.problems.append(Problem(part, error.code or "invalid", error.messages[0]))
        return None

    def check(self, part: str, check: Callable[..., None], *arguments: Any) -> None:
        if any(argument is None for argument in arguments):
            return
        try:
            check(*arguments)
        except ValueError as error:
            self.problems.append(_from_text(part, error))


def check(*, kind: Any, config: Any, auth: Any, retry: Any, filters: Any) -> Settings:
    """Return the typed configuration; InvalidConfiguration names every part that is wrong."""
    transport = TRANSPORTS.get(kind) if isinstance(kind, str) else None
    if transport is None:
        known = ", ".join(sorted(TRANSPORTS))
        raise InvalidConfiguration(
            [Problem("exporter_type", "invalid_choice", f"Expected one of {known}.")]
        )
    reader = _Reader()
    made = Settings(
        transport,
        reader.convert("config", config, transport.Config),
        reader.convert("auth", auth, transport.Auth),
        reader.convert("retry", retry, RetryPolicy),
        reader.convert("filters", filters, Filters),
    )
    reader.check("config", transport.check, made.config, made.auth)
    if made.filters is not None:
        reader.check("filters", made.filters.check)
    if reader.problems:
        raise InvalidConfiguration(reader.problems)
    return made


def read(exporter: ExporterConfig) -> Settings:
    """Return what the row says; InvalidConfiguration when a newer program would not take it."""
    return check(
        kind=exporter.exporter_type,
        config=exporter.config,
        auth=_auth_of(exporter),
        retry=exporter.retry,
        filters=exporter.filters,
    )


def problem_fields(problems: list[Problem]) -> Iterator[tuple[str, Problem]]:
    """Pair each problem with the field of the row that it is in."""
    return ((problem.field.partition(".")[0], problem) for problem in problems)
