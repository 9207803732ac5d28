"""The field in which an area is drawn, with its GeoJSON beside it."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from unfold.widgets import UnfoldAdminTextareaWidget


class Module(forms.Script):
    """A script that imports others."""

    def __init__(self, path: str) -> None:
        super().__init__(path, type="module")


class AreaWidget(UnfoldAdminTextareaWidget):  # type: ignore[misc]
    """Its script reads cameras, pictures and other zones from the public API."""

    template_name = "zones/zone_editor.html"

    class Media:
        css: ClassVar[Any] = {"all": ["zones/leaflet/leaflet.css", "zones/editor.css"]}
        js: ClassVar[Any] = [Module("zones/editor.js")]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        context["widget"] |= {
            "tiles": settings.MAP_TILES_URL,
            "attribution": settings.MAP_ATTRIBUTION,
        }
        return context
