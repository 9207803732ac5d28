"""WSGI entry point: the API and the admin in the production shape."""

from __future__ import annotations

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anpr_project.settings")
django_application = get_wsgi_application()

# Only now: it reads the API's formats, which need Django set up.
from anpr_project.wsgi_load_limit import LoadLimit  # noqa: E402

application = LoadLimit(django_application, settings.API_THREADS)
