"""Admin pages of zones: the area is drawn on a picture or on a map."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from anpr_project.lib.admin import ConfigAdmin
from anpr_project.lib.content_policy import ADMIN, HEADER, with_pictures_from
from anpr_project.lib.text import PlainJSONField
from zones.models import Space, Zone, ZoneType
from zones.widgets import AreaWidget


@admin.register(Zone)
class ZoneAdmin(ConfigAdmin):
    list_display = ["name", "zone_type", "space", "capacity", "enabled", "updated_at"]
    list_filter = ["zone_type", "space", "enabled"]
    search_fields = ["name"]
    fields = ["name", "zone_type", "space", "capacity", "enabled", "geometry"]
    formfield_overrides: ClassVar[Any] = {PlainJSONField: {"widget": AreaWidget}}

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        usual: dict[str, Any] = {"zone_type": ZoneType.DETECTION, "space": Space.IMAGE}
        return usual | dict(super().get_changeform_initial_data(request))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The one page that may load pictures from another host: the tiles of its map."""
        response: HttpResponse = super().changeform_view(request, *args, **kwargs)
        if settings.MAP_TILES_URL.startswith("http"):
            response[HEADER] = with_pictures_from(settings.MAP_TILES_URL, ADMIN)
        return response
