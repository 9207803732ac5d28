"""The admin's form of an exporter: JSON with examples, checked as the API checks it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget

from anpr_project.lib.text import PlainJSONFormField
from exporters.configuration import InvalidConfiguration, check, problem_fields
from exporters.destination import is_same, refuse_forbidden
from exporters.documentation import CONFIGS, FILTERS_EXAMPLE
from exporters.masking import masked, stored_auth, unmasked
from exporters.models import ExporterConfig
from exporters.references import refuse_unknown

RETRY_EXAMPLE = {"max_attempts": 5, "base_delay_s": 2, "max_delay_s": 600, "timeout_s": 10}


class ReadableJSONField(PlainJSONFormField):
    def __init__(self, **options: Any) -> None:
        super().__init__(widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}), **options)

    def prepare_value(self, value: Any) -> Any:
        is_typed = isinstance(value, str)
        return value if is_typed else json.dumps(value, ensure_ascii=False, indent=2)


class AuthField(ReadableJSONField):
    def bound_data(self, data: Any, initial: Any) -> Any:
        """Show a refused form without the secret that was typed into it."""
        try:
            return self.prepare_value(masked(msgspec.json.decode(data or "")))
        except (msgspec.DecodeError, AttributeError, TypeError, RecursionError):
            return self.prepare_value(initial)


def _examples(part: str, kinds: list[str]) -> SafeString:
    lines = ((kind, json.dumps(CONFIGS[kind][part])) for kind in kinds)
    return format_html_join("", "<div>{}: <code>{}</code></div>", lines)


class ExporterForm(forms.ModelForm[ExporterConfig]):
    config = ReadableJSONField()
    auth = AuthField(initial={"type": "none"})
    retry = ReadableJSONField(
        required=False,
        initial=dict,
        help_text=format_html(
            "{{}}: the schedule of Standard Webhooks, three days long. Else like <code>{}</code>",
            json.dumps(RETRY_EXAMPLE),
        ),
    )
    filters = ReadableJSONField(
        required=False,
        initial=dict,
        help_text=format_html(
            "{{}}: every event. Else like <code>{}</code>, also <code>zones</code>",
            json.dumps(FILTERS_EXAMPLE),
        ),
    )

    class Meta:
        model = ExporterConfig
        fields = [
            "name",
            "exporter_type",
            "config",
            "auth",
            "retry",
            "filters",
            "ordered",
            "enabled",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = list(CONFIGS)
        if self.instance.pk:
            kinds = [self.instance.exporter_type]
            stored = stored_auth(self.instance)
            self.initial["auth"] = masked(stored or {"type": "none"})
        for part in {"config", "auth"} & set(self.fields):
            self.fields[part].help_text = _examples(part, kinds)

    def clean(self) -> dict[str, Any]:
        values = dict(super().clean() or self.cleaned_data)
        if self.errors:
            return values
        try:
            values["auth"] = self._checked_auth(values)
        except InvalidConfiguration as error:
            for field, problem in problem_fields(error.problems):
                place = problem.field.partition(".")[2]
                text = f"{place}: {problem.message}" if place else problem.message
                self.add_error(
                    field if field in self.fields else None, ValidationError(text, problem.code)
                )
        return values

    def _checked_auth(self, values: dict[str, Any]) -> str:
        """Return the credentials as they are stored, when everything is in order."""
        row = self.instance
        kind = row.exporter_type if row.pk else values["exporter_type"]
        same = bool(row.pk) and is_same(kind, values["config"], row.config)
        stored = stored_auth(row) if row.pk else {}
        auth = unmasked(values["auth"], stored, same_destination=same)
        made = check(
            kind=kind,
            config=values["config"],
            auth=auth,
            retry=values["retry"],
            filters=values["filters"],
        )
        refuse_forbidden(kind, values["config"])
        if "filters" in self.changed_data:
            refuse_unknown(made.filters)
        return msgspec.json.encode(auth).decode()
