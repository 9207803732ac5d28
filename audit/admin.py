"""The audit log, to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from audit.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    list_display = ["at", "actor", "action", "subject", "reason", "found", "channel", "address"]
    list_filter = ["action", "channel"]
    search_fields = ["actor"]
    search_help_text = "Name of the user"
    list_per_page = 50
    show_full_result_count = False
    paginator = InfinitePaginator
    actions = None

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        return (queryset.filter(actor=search_term) if search_term else queryset), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
