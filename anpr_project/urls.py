"""Every address of the product."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path
from django.views.generic import RedirectView

from anpr_project.health import health, liveness, ready
from anpr_project.metrics import metrics
from anpr_project.pages import account, second_factor
from anpr_project.pages.live import live
from anpr_project.pages.read import read
from anpr_project.pages.reason import reason
from anpr_project.pages.search import search
from anpr_project.pages.sign_in import CodeView, SignInView, admin_sign_in
from anpr_project.pages.statistics import statistics
from anpr_project.pages.texts import texts
from anpr_project.root import only_a_socket, root
from anpr_project.tokens import TokenView
from privacy.console import data_subject

handler400 = "anpr_project.lib.error_handler.bad_request"
handler403 = "anpr_project.lib.error_handler.permission_denied"
handler404 = "anpr_project.lib.error_handler.not_found"
handler500 = "anpr_project.lib.error_handler.server_error"

admin.autodiscover()
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
    path("login/code", CodeView.as_view(), name="login_code"),
    path("reason", reason, name="reason"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("account", account.account, name="account"),
    path("account/password", account.change_password, name="password"),
    path("account/second-factor", second_factor.set_up, name="second_factor"),
    path("account/second-factor/remove", second_factor.remove, name="remove_second_factor"),
    path("account/recovery-codes", second_factor.new_recovery_codes, name="recovery_codes"),
    path("account/sessions/end-others", account.end_other_sessions, name="end_other_sessions"),
    path("account/sessions/<slug:key>/end", account.end_session, name="end_session"),
    path("account/tokens/<slug:digest>/revoke", account.revoke_token, name="revoke_token"),
    # One door: the admin's own would know no second factor.
    path("admin/login/", admin_sign_in),
    path("admin/logout/", LogoutView.as_view()),
    path("admin/password_change/", RedirectView.as_view(pattern_name="password")),
    path("admin/data-subject/", admin.site.admin_view(data_subject), name="data_subject"),
    path("admin/", admin.site.urls),
    path("api/v1/auth/token", TokenView.as_view(), name="token"),
    path("api/v1/events/stream", only_a_socket),
    path("api/v1/config/", include("zones.urls")),
    path("api/v1/config/", include("models_cfg.urls")),
    path("api/v1/config/", include("cameras.urls")),
    path("api/v1/config/", include("sensors.urls")),
    # First, for it shows an event with its exports, of which the events know nothing.
    path("", include("exporters.urls")),
    path("", include("privacy.urls")),
    path("", include("evidence.urls")),
    path("", include("events.urls")),
]

if settings.API_DOCS:
    urlpatterns.append(path("", include("anpr_project.documentation_urls")))
