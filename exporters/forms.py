"""The admin's form of an exporter: typed fields for its kind, checked as the API checks it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, cached_property
from typing import Any, ClassVar

import msgspec
from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminSelectWidget

from cameras.models import Camera
from exporters.configuration import InvalidConfiguration, Problem, check
from exporters.destination import is_same, refuse_forbidden
from exporters.masking import MASK, SHOWN, stored_auth, unmasked
from exporters.matching import Filters
from exporters.models import ExporterConfig
from exporters.references import refuse_unknown
from exporters.retry import RetryPolicy
from exporters.transports.known import TRANSPORTS
from exporters.typed_fields import (
    STORED,
    Rows,
    field_for,
    given,
    initial_of,
    members,
    secret_field,
    variants,
)
from zones.models import Zone

PARTS = ("config", "auth", "retry", "filters")
NOTHING = "-"


class ExporterForm(forms.ModelForm[ExporterConfig]):
    """Its fields `config_…`, `auth_…`, `retry_…` and `filters_…` stand for the row's four parts."""

    kind: ClassVar[str]

    class Meta:
        model = ExporterConfig
        fields = ["name", "ordered", "enabled"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = stored_auth(self.instance) if self.instance.pk else {}
        if not self.instance.pk:
            self.instance.exporter_type = self.kind
        self._show("config", members(TRANSPORTS[self.kind].Config), self.instance.config)
        self._show("retry", members(RetryPolicy), self.instance.retry)
        self._show("filters", members(Filters), self.instance.filters)
        self._show_auth(self.stored or {})
        self._offer("filters_cameras", Camera)
        self._offer("filters_zones", Zone)

    def _show(self, part: str, fields: Iterable[Any], stored: Any) -> None:
        for member in fields:
            self.initial[f"{part}_{member.name}"] = initial_of(member, stored)

    def _show_auth(self, stored: dict[str, Any]) -> None:
        self.initial["auth_type"] = stored.get("type", "none")
        for name, value in stored.items():
            field = self.fields.get(f"auth_{name}")
            if name in SHOWN:
                self.initial[f"auth_{name}"] = value
            elif field is not None and value:
                field.widget.attrs["placeholder"] = STORED

    def _offer(self, name: str, model: Any) -> None:
        """Offer the rows by name; an id whose row is gone stays, for without it all would match."""
        field = self.fields[name]
        assert isinstance(field, Rows)  # noqa: S101 - made so from the type
        names = dict(model.objects.order_by("name").values_list("pk", "name"))
        gone = {pk: f"#{pk} (deleted)" for pk in self.initial[name] if pk not in names}
        field.choices = list((names | gone).items())

    @cached_property
    def changed_data(self) -> list[str]:
        """The row's own fields: that is what is saved, and what the history names."""
        own = (name.partition("_")[0] for name in super().changed_data)
        return list(dict.fromkeys(own))

    def clean(self) -> dict[str, Any]:
        values = dict(super().clean() or self.cleaned_data)
        if self.errors:
            return values
        try:
            self._take(values)
        except InvalidConfiguration as error:
            for problem in error.problems:
                self._point_at(problem)
        return values

    def _take(self, values: dict[str, Any]) -> None:
        """Give the row its four parts, when everything is in order."""
        row, transport = self.instance, TRANSPORTS[self.kind]
        config = given(members(transport.Config), values, "config")
        filters = given(members(Filters), values, "filters")
        retry = given(members(RetryPolicy), values, "retry")
        same = bool(row.pk) and is_same(self.kind, config, row.config)
        auth = unmasked(self._auth(values), self.stored, same_destination=same)
        made = check(kind=self.kind, config=config, auth=auth, retry=retry, filters=filters)
        refuse_forbidden(self.kind, config)
        if "filters" in self.changed_data:
            refuse_unknown(made.filters)
        row.config, row.retry, row.filters = config, retry, filters
        row.auth = msgspec.json.encode(auth).decode()

    def _auth(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the credentials; a secret left empty stands for the stored one."""
        auth = {"type": values["auth_type"]}
        for member in variants(TRANSPORTS[self.kind].Auth)[auth["type"]]:
            value = values.get(f"auth_{member.name}")
            if not value and member.name not in SHOWN and self._keeps(auth["type"], member.name):
                value = MASK
            if value and value != NOTHING:
                auth[member.name] = value
        return auth

    def _keeps(self, kind: str, name: str) -> bool:
        stored = self.stored
        return stored is None or (stored.get("type") == kind and bool(stored.get(name)))

    def _point_at(self, problem: Problem) -> None:
        part, _, rest = problem.field.partition(".")
        member, _, place = rest.partition(".")
        name = f"{part}_{member}" if member else "auth_type" if part == "auth" else part
        text = f"{place}: {problem.message}" if place else problem.message
        self.add_error(name if name in self.fields else None, ValidationError(text, problem.code))


def auth_members(kind: str) -> dict[str, list[str]]:
    """Return the form's fields of credentials, each with the types of `auth` that it belongs to."""
    found: dict[str, list[str]] = {}
    for tag, fields in variants(TRANSPORTS[kind].Auth).items():
        for member in fields:
            found.setdefault(f"auth_{member.name}", []).append(tag)
    return found


@cache
def form_for(kind: str) -> type[ExporterForm]:
    """Return the form of exporters of this kind."""
    transport = TRANSPORTS[kind]
    fields: dict[str, forms.Field] = {}
    for part, struct in (
        ("config", transport.Config),
        ("retry", RetryPolicy),
        ("filters", Filters),
    ):
        fields |= {f"{part}_{member.name}": field_for(member) for member in members(struct)}
    credentials = variants(transport.Auth)
    fields["auth_type"] = forms.ChoiceField(
        label="Credentials",
        choices=[(tag, tag) for tag in sorted(credentials, key=lambda tag: tag != "none")],
        widget=UnfoldAdminSelectWidget,
    )
    for part_members in credentials.values():
        for member in part_members:
            field = fields[f"auth_{member.name}"] = secret_field(member)
            field.required = False  # only those of the chosen type are
    return type(f"{kind.capitalize()}Form", (ExporterForm,), fields | {"kind": kind})


def fieldsets_of(kind: str) -> list[tuple[str | None, dict[str, Any]]]:
    """Return the fields of the form in groups, in the order in which one thinks of them."""
    names = list(form_for(kind).base_fields)

    def part(prefix: str) -> list[str]:
        return [name for name in names if name.startswith(f"{prefix}_")]

    return [
        (None, {"fields": ["name", "enabled"]}),
        ("Where to", {"fields": part("config")}),
        ("Credentials", {"fields": part("auth")}),
        ("Which events", {"fields": [*part("filters"), "ordered"]}),
        ("Trying again", {"fields": part("retry"), "classes": ["collapse"]}),
    ]
