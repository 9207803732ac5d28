"""WSGI entry point: the API and the admin in the production shape."""

from __future__ import annotations

import gc
import os

import django
from django.conf import settings
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anpr_project.settings")
django.setup(set_prefix=False)

# Only now: they read the API's formats, which need Django set up.
from anpr_project.sensor_handler import SensorHandler  # noqa: E402
from anpr_project.wsgi_load_limit import LoadLimit  # noqa: E402

application = LoadLimit(SensorHandler(), settings.API_THREADS)

# All addresses now and not with the first request. What is loaded stays: looking through it for
# cycles again and again was a pause of every twentieth search.
assert get_resolver().url_patterns  # noqa: S101 - loads them
gc.freeze()
gc.set_threshold(10_000, 20, 20)
