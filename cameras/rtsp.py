"""RTSP addresses whose password is never shown again."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit, urlunsplit

from django.core.exceptions import ValidationError

MASK = "***"


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises on a port out of range
    except ValueError:
        raise ValidationError("Not a valid URL.", code="url") from None
    return parts


def validate_rtsp_url(url: str) -> None:
    parts = _split(url)
    if parts.scheme.lower() not in ("rtsp", "rtsps") or not parts.hostname or " " in url:
        raise ValidationError("Expected rtsp:// or rtsps:// with a host.", code="url")


def _with_password(parts: SplitResult, password: str) -> str:
    user, _, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{name}:{password}@{host}"))


def masked(url: str) -> str:
    """Return the URL as it may be shown."""
    parts = _split(url)
    return url if parts.password is None else _with_password(parts, MASK)


def _address(parts: SplitResult) -> tuple[str, str | None, str | None, int | None]:
    return parts.scheme, parts.username, parts.hostname, parts.port


def unmasked(url: str, stored: str) -> str:
    """Return `url` with the stored password where it holds the mask.

    A client that reads a camera and writes it back must not overwrite the password. The stored one
    is put in only for the same user, host and port: a changed host must not be handed it.
    """
    parts = _split(url)
    if parts.password != MASK:
        return url
    known = _split(stored)
    if known.password is None or _address(parts) != _address(known):
        raise ValidationError(
            "There is no password stored for this address: give it again.", code="password"
        )
    return _with_password(parts, known.netloc.rpartition("@")[0].partition(":")[2])
