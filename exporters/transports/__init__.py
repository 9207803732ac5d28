"""The family of transports: one module each, and what they have in common (`known` names them)."""

from __future__ import annotations

from exporters.transports.base import (
    Message,
    Outcome,
    Receipt,
    Transport,
    TransportError,
)

__all__ = ["Message", "Outcome", "Receipt", "Transport", "TransportError"]
