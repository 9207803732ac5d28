"""The API's documentation; its library loads Django's test client, so only where it is shown."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request

from anpr_project.lib.read_only import read_only


class FormatNegotiation(DefaultContentNegotiation):
    """As the Accept header says, but `?format=yaml` before it: an address that can be passed on."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        asked = format_suffix or request.query_params.get("format")
        return super().select_renderer(request, renderers, asked)


class PageNegotiation(DefaultContentNegotiation):
    """There is one form: whoever asks for another gets the page, not a refusal."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        return renderers[0], renderers[0].media_type


class SchemaView(SpectacularAPIView):
    content_negotiation_class = FormatNegotiation
    # The first one is for who does not mind: JSON, as everywhere else.
    renderer_classes = [
        OpenApiJsonRenderer2,
        OpenApiJsonRenderer,
        OpenApiYamlRenderer,
        OpenApiYamlRenderer2,
    ]


class DocsView(SpectacularSwaggerView):
    content_negotiation_class = PageNegotiation


class RedocView(SpectacularRedocView):
    content_negotiation_class = PageNegotiation


urlpatterns = [
    path("schema", read_only(SchemaView.as_view()), name="schema"),
    path("docs", read_only(DocsView.as_view(url_name="schema")), name="docs"),
    path("redoc", read_only(RedocView.as_view(url_name="schema")), name="redoc"),
]
