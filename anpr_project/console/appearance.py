"""How the admin site looks (read by unfold): what is computed for a request is named by its path."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

# The teal of the other pages.
PRIMARY = {
    "50": "oklch(98.4% .014 180.72)",
    "100": "oklch(95.3% .051 180.801)",
    "200": "oklch(91% .096 180.426)",
    "300": "oklch(85.5% .138 181.071)",
    "400": "oklch(77.7% .152 181.912)",
    "500": "oklch(70.4% .14 182.503)",
    "600": "oklch(51.1% .096 186.391)",
    "700": "oklch(43.7% .078 188.216)",
    "800": "oklch(38.6% .063 188.416)",
    "900": "oklch(33.5% .055 189.2)",
    "950": "oklch(27.7% .046 192.524)",
}
UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "ANPR Cloud",
    "SITE_HEADER": "ANPR Cloud",
    "SITE_SYMBOL": "directions_car",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("anpr/icon.svg")}
    ],
    "STYLES": [
        lambda _request: static("anpr/console/console.css"),
        lambda _request: static("anpr/console/readable.css"),
    ],
    "SCRIPTS": [lambda _request: static("anpr/console/names.js")],
    "ACCOUNT": {
        "navigation": [{"title": _("My account"), "link": lambda _request: reverse("account")}]
    },
    "COLORS": {"primary": PRIMARY},
    "DASHBOARD_CALLBACK": "anpr_project.console.home.home",
    "SIDEBAR": {"navigation": "anpr_project.console.navigation.navigation"},
}
