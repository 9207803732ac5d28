"""WSGI entry point: the API and the admin in the production shape."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anpr_project.settings")
application = get_wsgi_application()
