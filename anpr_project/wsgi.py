"""WSGI entry point: the API and the admin in the production shape."""

from __future__ import annotations

import gc
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anpr_project.settings")
django_application = get_wsgi_application()

# Only now: it reads the API's formats, which need Django set up.
from anpr_project.wsgi_load_limit import LoadLimit  # noqa: E402

application = LoadLimit(django_application, settings.API_THREADS)

# All addresses now and not with the first request. What is loaded stays: looking through it for
# cycles again and again was a pause of every twentieth search.
assert get_resolver().url_patterns  # noqa: S101 - loads them
gc.freeze()
gc.set_threshold(10_000, 20, 20)
