"""Every address of the product."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from anpr_project.health import health, liveness, ready
from anpr_project.metrics import metrics
from anpr_project.pages.live import live
from anpr_project.pages.read import read
from anpr_project.pages.search import search
from anpr_project.pages.sign_in import SignInView
from anpr_project.pages.statistics import statistics
from anpr_project.pages.texts import texts
from anpr_project.root import root
from anpr_project.tokens import TokenView

handler400 = "anpr_project.lib.error_handler.bad_request"
handler403 = "anpr_project.lib.error_handler.permission_denied"
handler404 = "anpr_project.lib.error_handler.not_found"
handler500 = "anpr_project.lib.error_handler.server_error"

urlpatterns = [
    path("", root, name="root"),
    path("health", health, name="health"),
    path("ready", ready, name="ready"),
    path("liveness", liveness, name="liveness"),
    path("metrics", metrics, name="metrics"),
    path("live", live, name="live"),
    path("search", search, name="search"),
    path("statistics", statistics, name="statistics"),
    path("events/<int:pk>", read, name="read"),
    path("texts.js", texts, name="texts"),
    path("login", SignInView.as_view(), name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("api/v1/auth/token", TokenView.as_view(), name="token"),
    path("api/v1/config/", include("zones.urls")),
    path("api/v1/config/", include("models_cfg.urls")),
    path("api/v1/config/", include("cameras.urls")),
    path("api/v1/config/", include("sensors.urls")),
    # First, for it shows an event with its exports, of which the events know nothing.
    path("", include("exporters.urls")),
    path("", include("events.urls")),
]

if settings.API_DOCS:
    urlpatterns += [
        path("schema", SpectacularAPIView.as_view(), name="schema"),
        path("docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
        path("redoc", SpectacularRedocView.as_view(url_name="schema"), name="redoc"),
    ]
