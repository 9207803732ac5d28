"""What every view of the API does unless it says otherwise: the settings of REST framework."""

from __future__ import annotations

API_DEFAULTS = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        # The first one names the scheme of a 401.
        "anpr_project.lib.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["anpr_project.lib.permissions.ModelPermissions"],
    "DEFAULT_PARSER_CLASSES": ["anpr_project.lib.json_api.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["anpr_project.lib.json_api.JSONRenderer"],
    "EXCEPTION_HANDLER": "anpr_project.lib.error_handler.handle",
    "DEFAULT_SCHEMA_CLASS": "anpr_project.lib.schema.AutoSchema",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "URL_FORMAT_OVERRIDE": None,
}
