"""Credentials as they may be shown, and back: `***` stands for what is stored."""

from __future__ import annotations

from typing import Any

import msgspec

from exporters.configuration import LOST_KEY, InvalidConfiguration, Problem
from exporters.models import ExporterConfig

MASK = "***"
# Everything else is a secret, also in a transport that is written later.
SHOWN = frozenset({"type", "username", "mechanism"})
AGAIN = "Give the secret again: what is stored goes with another destination or type."


def stored_auth(exporter: ExporterConfig) -> dict[str, Any] | None:
    """Return the stored credentials; None when no key opens them any more."""
    try:
        return dict(msgspec.json.decode(exporter.auth))
    except msgspec.DecodeError:
        return None


def masked(auth: dict[str, Any]) -> dict[str, Any]:
    return {name: value if name in SHOWN or not value else MASK for name, value in auth.items()}


def shown_auth(exporter: ExporterConfig) -> dict[str, Any] | None:
    auth = stored_auth(exporter)
    return None if auth is None else masked(auth)


def unmasked(auth: Any, stored: dict[str, Any] | None, *, same_destination: bool) -> Any:
    """Return the credentials with the stored secrets where they hold the mask.

    Only for the same destination and type: a changed host must not be handed a secret that whoever
    changed it does not know.
    """
    if not isinstance(auth, dict):
        return auth
    hidden = [name for name, value in auth.items() if value == MASK and name not in SHOWN]
    if not hidden:
        return auth
    known = stored or {}
    lacking = [name for name in hidden if not isinstance(known.get(name), str)]
    if not same_destination or known.get("type") != auth.get("type"):
        lacking = hidden
    if lacking:
        message = LOST_KEY if stored is None else AGAIN
        raise InvalidConfiguration([Problem(f"auth.{name}", "masked", message) for name in lacking])
    return auth | {name: known[name] for name in hidden}
