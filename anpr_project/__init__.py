"""Wiring of the project: settings, URLs, servers, health. No business logic."""

from __future__ import annotations

__version__ = "0.1.0"
