"""How the API's documentation is made and shown: the settings of drf-spectacular."""

from __future__ import annotations

from anpr_project import __version__

API_DOCUMENTATION = {
    "TITLE": "ANPR Cloud",
    "DESCRIPTION": "Plate reads in, searched, streamed and delivered.",
    "VERSION": __version__,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    # Else the page would ask another host whether the schema is valid.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "anpr_project.lib.schema.document_errors",
        "anpr_project.lib.schema.tidy_schema",
    ],
}
