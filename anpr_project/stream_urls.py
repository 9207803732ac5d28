"""What a stream process answers over HTTP: whether it lives, what it counted, and that it is a socket."""

from __future__ import annotations

from django.urls import path

from anpr_project.health import health, liveness, ready
from anpr_project.metrics import metrics
from anpr_project.root import only_a_socket

handler400 = "anpr_project.lib.error_handler.bad_request"
handler404 = "anpr_project.lib.error_handler.not_found"
handler500 = "anpr_project.lib.error_handler.server_error"

urlpatterns = [
    path("health", health),
    path("ready", ready),
    path("liveness", liveness),
    path("metrics", metrics),
    path("api/v1/events/stream", only_a_socket),
]
