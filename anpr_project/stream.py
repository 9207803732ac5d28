"""The stream process, into which `manage.py serve --only stream` turns."""

from __future__ import annotations

import os

import django
from django.conf import settings

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "anpr_project.stream_settings"
    django.setup()

    # Only now: the socket's protocol imports models, which need Django set up.
    from anpr_project.processes import bound_socket
    from anpr_project.server import serve

    serve(bound_socket(settings.HOST, settings.STREAM_PORT))
