"""Settings of a process that only streams: over HTTP it answers monitoring, and no page or API."""

from __future__ import annotations

from anpr_project.settings import *  # noqa: F403
from anpr_project.settings import MIDDLEWARE

ROOT_URLCONF = "anpr_project.stream_urls"
# Who asks has neither a session nor a form.
MIDDLEWARE = [name for name in MIDDLEWARE if name.startswith("anpr_project.lib.")]
