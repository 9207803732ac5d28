#!/usr/bin/env python
"""Entry point of every management command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from anpr_project.lib.env import Environment


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anpr_project.settings")
    if sys.argv[1:2] == ["run"]:
        # The embedded shape is somebody's first look at the product: show all of it, unless the
        # environment or .env says otherwise.
        Environment(Path(__file__).resolve().parent)
        os.environ.setdefault("API_DOCS", "true")
        os.environ.setdefault("ENABLE_METRICS", "true")
    try:
        settings.INSTALLED_APPS  # noqa: B018 - reading it loads the settings
    except ImproperlyConfigured as error:
        sys.exit(f"Configuration error: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
