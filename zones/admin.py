"""Admin pages of zones."""

from __future__ import annotations

from django.contrib import admin

from anpr_project.lib.admin import ConfigAdmin
from zones.models import Zone


@admin.register(Zone)
class ZoneAdmin(ConfigAdmin):
    list_display = ["name", "zone_type", "space", "capacity", "enabled", "updated_at"]
    list_filter = ["zone_type", "space", "enabled"]
    search_fields = ["name"]
