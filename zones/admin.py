"""Admin pages of zones: the area is drawn on a picture or on a map."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from anpr_project.lib.content_policy import ADMIN, HEADER, with_pictures_from
from anpr_project.lib.csv_columns import Column, Flag, Json, Number
from anpr_project.lib.csv_pages import CsvAdmin
from anpr_project.lib.text import PlainJSONField
from zones.models import Space, ZoneType
from zones.serializers import ZoneSerializer
from zones.widgets import AreaWidget


class ZoneAdmin(CsvAdmin):
    list_display = ["name", "zone_type", "space", "capacity", "enabled"]
    list_filter = ["zone_type", "space", "enabled"]
    search_fields = ["name"]
    first_step = "No zone yet: add one. A camera works without; a zone tells its places apart."
    csv_serializer = ZoneSerializer

    fields = [
        *("name", "zone_type", "space", "capacity"),
        *("retention_days", "picture_retention_days", "enabled", "geometry"),
    ]
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

    def csv_columns(self) -> list[Column]:
        return [
            Column("name"),
            Column("zone_type"),
            Column("space"),
            Json("geometry"),
            Number("capacity"),
            Number("retention_days"),
            Number("picture_retention_days"),
            Flag("enabled"),
        ]
