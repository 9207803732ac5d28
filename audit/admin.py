"""The audit log, to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from audit.models import AuditEntry
from audit.words import in_words


@admin.register(AuditEntry)
class AuditEntryAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    list_display = ["when", "actor", "action", "what", "reason", "found", "channel", "address"]
    list_filter = ["action", "channel"]
    search_fields = ["actor"]
    search_help_text = "Name of the user"
    list_per_page = 50
    show_full_result_count = False
    paginator = InfinitePaginator
    actions = None

    @admin.display(description="at")
    def when(self, entry: AuditEntry) -> str:
        moment = localize(timezone.localtime(entry.at))
        return format_html('<span class="whitespace-nowrap">{}</span>', moment)

    @admin.display(description="what")
    def what(self, entry: AuditEntry) -> str:
        return in_words(entry.action, entry.subject)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        return (queryset.filter(actor=search_term) if search_term else queryset), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
