"""The admin's pages to import and export rows as CSV."""

from __future__ import annotations

import base64
import binascii
import csv
import io
from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import action
from unfold.widgets import UnfoldAdminFileFieldWidget

from anpr_project.lib.admin import RACE, ConfigAdmin
from anpr_project.lib.csv_columns import Column
from anpr_project.lib.csv_import import CHANGED, MAX_BYTES, NEW, SAME, WRONG, Plan, Unreadable
from anpr_project.lib.serializers import ConfigSerializer

MOST_SHOWN = 200
MEANWHILE = "The data changed since the preview. Look at it again, then confirm."


class ImportForm(forms.Form):
    file = forms.FileField(
        label="CSV file",
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,text/csv"}),
        help_text="UTF-8, at most 1 MB and 2,000 rows",
    )

    def clean_file(self) -> bytes:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError("The file is larger than 1 MB. Split it, or use the API.")
        return bytes(file.read())


class CsvAdmin(ConfigAdmin):
    """An admin whose rows can be exported, edited in a spreadsheet, and imported again."""

    csv_serializer: ClassVar[type[ConfigSerializer[Any]]]
    csv_related: ClassVar[Sequence[str]] = ()
    actions_list = ["import_csv", "export_csv"]
    actions = ["export_selected"]

    def csv_columns(self) -> list[Column]:
        """Return fresh ones: they remember the names that they looked up."""
        raise NotImplementedError

    def has_import_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_add_permission(request) and self.has_change_permission(request))

    # unfold has no types
    @action(  # type: ignore[untyped-decorator]
        description="Import CSV", url_path="import", permissions=["import"], icon="upload"
    )
    def import_csv(self, request: HttpRequest) -> HttpResponse:
        """Show what a file would change; store it when that is confirmed, and only then."""
        form, plan, data = ImportForm(), None, b""
        if request.method == "POST":
            form = ImportForm(request.POST, request.FILES)
            try:
                data = self._sent(request, form)
                plan = self._plan(data) if data else None
            except Unreadable as problem:
                form.add_error("file", str(problem))
        if plan and "digest" in request.POST:
            answer = self._confirmed(request, plan)
            if answer:
                return answer
        return self._import_page(request, form, plan, data)

    def _sent(self, request: HttpRequest, form: ImportForm) -> bytes:
        """Return the chosen file, or the one that was shown and is now confirmed."""
        if "digest" not in request.POST:
            return bytes(form.cleaned_data["file"]) if form.is_valid() else b""
        form.errors.clear()
        try:
            return base64.b64decode(request.POST.get("content", ""), validate=True)
        except (binascii.Error, ValueError):
            raise Unreadable("The file was lost on the way. Choose it again.") from None

    def _plan(self, data: bytes) -> Plan:
        rows = self.model._default_manager.prefetch_related(*self.csv_related)
        return Plan(data, rows=rows, serializer=self.csv_serializer, columns=self.csv_columns())

    def _confirmed(self, request: HttpRequest, plan: Plan) -> HttpResponse | None:
        if plan.digest != request.POST["digest"] or plan.wrong:
            messages.warning(request, MEANWHILE)
            return None
        try:
            made, changed = plan.apply()
        except IntegrityError:
            messages.error(request, RACE)
            return None
        for rows, flag in ((made, ADDITION), (changed, CHANGE)):
            LogEntry.objects.log_actions(str(request.user.pk), rows, flag, "Imported from CSV.")
        text = f"{len(made)} added, {len(changed)} changed, {plan.count(SAME)} left as they were."
        messages.success(request, text)
        meta = self.opts
        return HttpResponseRedirect(reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"))

    def _import_page(
        self, request: HttpRequest, form: ImportForm, plan: Plan | None, data: bytes
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"Import {self.opts.verbose_name_plural}",
            "opts": self.opts,
            "form": form,
            "columns": ["id", *(column.name for column in self.csv_columns())],
        }
        if plan:
            shown = plan.wrong or plan.effective
            counts = {state: plan.count(state) for state in (NEW, CHANGED, SAME, WRONG)}
            context |= {
                "plan": plan,
                "counts": counts,
                "lines": shown[:MOST_SHOWN],
                "more": max(0, len(shown) - MOST_SHOWN),
                "content": base64.b64encode(data).decode(),
            }
        return TemplateResponse(request, "admin/import_csv.html", context)

    @action(  # type: ignore[untyped-decorator]
        description="Export CSV", url_path="export", permissions=["view"], icon="download"
    )
    def export_csv(self, request: HttpRequest) -> HttpResponse:
        return self._file(self.model._default_manager.all())

    @admin.action(description="Export as CSV", permissions=["view"])
    def export_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return self._file(queryset)

    def _file(self, rows: QuerySet[Any]) -> HttpResponse:
        rows = rows.prefetch_related(None).prefetch_related(*self.csv_related).order_by("pk")
        columns, file = self.csv_columns(), io.StringIO()
        writer = csv.writer(file)
        writer.writerow(["id", *(column.name for column in columns)])
        for row in rows.iterator(chunk_size=500):
            writer.writerow([row.pk, *(column.cell(column.of(row)) for column in columns)])
        # With the mark by which spreadsheets know UTF-8.
        response = HttpResponse(
            file.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8"
        )
        name = f"{self.opts.verbose_name_plural}-{timezone.localdate():%Y-%m-%d}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response
