"""Base of the admin pages of configuration entities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.widgets import AutocompleteSelect
from django.db import IntegrityError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin, TabularInline

from anpr_project.lib.auditing import identity, write_down
from anpr_project.lib.models import ConfigModel, InUse
from audit.models import Action

View = Callable[..., HttpResponse]
RACE = "The data changed at the same moment. Look at it again and retry."


def _tells_conflicts(view: View) -> View:
    """Show a message where an event or a colleague came between the check and the deletion."""

    @wraps(view)
    def guarded(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(self, request, *args, **kwargs)
        except InUse as error:
            messages.error(request, str(error))
        except IntegrityError:
            messages.error(request, RACE)
        return HttpResponseRedirect(request.get_full_path())

    return guarded


def ago(moment: datetime | None) -> str | None:
    """Return how long ago it was, with the moment itself on hover; None (nothing) for never."""
    if moment is None:
        return None
    passed = timezone.now() - moment
    text = (
        _("just now") if passed < timedelta(minutes=1) else _("%s ago") % timesince(moment, depth=1)
    )
    exact = date_format(timezone.localtime(moment), "DATETIME_FORMAT")
    iso = moment.isoformat()
    return format_html('<time datetime="{}" title="{}">{}</time>', iso, exact, text)


class IdAutocomplete(AutocompleteSelect):
    """Django's own asks the database for whatever was posted, and fails on what is no id."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        ids = [text for text in map(str, value) if text.isdecimal() and len(text) < 19]
        return super().optgroups(name, ids, attr)


class AutocompleteMixin:
    """Makes the choosers of `autocomplete_fields` safe ones."""

    admin_site: AdminSite

    def formfield_for_foreignkey(self, field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        base: Any = super()
        if field.name in base.get_autocomplete_fields(request):
            kwargs.setdefault("widget", IdAutocomplete(field, self.admin_site))
        return base.formfield_for_foreignkey(field, request, **kwargs)


# unfold has no type information: only these two classes derive from it.
class ConfigInline(AutocompleteMixin, TabularInline):  # type: ignore[misc]
    extra = 0
    hide_title = True  # it would repeat the row


class ConfigAdmin(AutocompleteMixin, ModelAdmin):  # type: ignore[misc]
    list_per_page = 50
    readonly_fields: ClassVar[Any] = ["created_at", "updated_at"]
    # What an empty list says: how to get a first row.
    first_step = ""

    def look_up(self, request: HttpRequest, rows: Iterable[Any]) -> None:
        """Add to the rows of a page what its columns show of elsewhere, for all rows at once."""

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        page = super().get_changelist_instance(request)
        self.look_up(request, page.result_list)
        return page

    def get_deleted_objects(
        self, objs: QuerySet[Any] | list[Any], request: HttpRequest
    ) -> tuple[Any, Any, Any, list[Any]]:
        """Refuse on the confirmation page what ConfigModel.delete() would refuse."""
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        in_use = [
            f"{row}: {InUse(row, users)}"
            for row in objs
            if isinstance(row, ConfigModel) and (users := row.used_by())
        ]
        return deleted, counts, lacking, [*protected, *in_use]

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Write only what was edited: a sensor's life signs may have changed since."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        own = {field.name for field in obj._meta.concrete_fields}
        obj.save(update_fields=[*own.intersection(form.changed_data), "updated_at"])

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        write_down(request, Action.CREATED, identity(obj))
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        # Names of fields only: a value may be a secret.
        write_down(request, Action.CHANGED, identity(obj) | {"changes": message})
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for row in queryset:
            write_down(request, Action.DELETED, identity(row))
        return super().log_deletions(request, queryset)

    @_tells_conflicts
    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer: HttpResponse = super().changelist_view(request, *args, **kwargs)
        return answer

    @_tells_conflicts
    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer: HttpResponse = super().delete_view(request, *args, **kwargs)
        return answer

    @_tells_conflicts
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer: HttpResponse = super().changeform_view(request, *args, **kwargs)
        return answer
