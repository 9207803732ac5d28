"""Form fields made from the types that the API and the transports check with, and values back from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from django import forms
from django.utils.translation import gettext_lazy as _
from msgspec import inspect
from unfold import widgets

from anpr_project.lib.text import validate_plain_text
from exporters.masking import SHOWN

# Names that say less than a sentence does.
LABELS = {
    "url": _("Address (URL)"),
    "verify_tls": _("Verify the certificate"),
    "ca_certificate": _("Own CA certificate"),
    "tls": _("TLS"),
    "qos": _("Quality of service"),
    "bootstrap_servers": _("Servers"),
    "client_id": _("Client id"),
    "base_delay_s": _("First delay (s)"),
    "max_delay_s": _("Longest delay (s)"),
    "timeout_s": _("Time limit of an attempt (s)"),
    "min_confidence": _("Least confidence"),
}
HELP = {
    "url": _("https://example.com/plates; what is sent is a POST"),
    "headers": _("one a line, like X-Site: north"),
    "ca_certificate": _("PEM, if the sink's certificate is not signed by a public authority"),
    "topic": _("MQTT: {camera}, {sensor}, {zone} and {plate} may stand in it"),
    "retain": _("the broker keeps the last message of each topic"),
    "bootstrap_servers": _("host:port, several with commas; must be in EXPORT_ALLOW_NETWORKS"),
    "key": _("what decides the partition, and so what keeps its order"),
    "client_id": _("leave empty unless the broker demands one; then one exporter, one worker"),
    "status_topic": _("holds “online” while connected, else “offline”"),
    "previous_secret": _("signs too while the sink changes over; a single - takes it away"),
    "secret": _("whsec_…, as the sink gave it"),
    "max_attempts": _("then it is a dead letter"),
    "base_delay_s": _("doubled after each attempt; empty: 5 s to 24 h (Standard Webhooks)"),
    "jitter": _("share by which delays are spread, 0 to 1; empty: 0.2"),
    "cameras": _("none chosen: all"),
    "zones": _("none chosen: all"),
    "plates": _("one a line; * and ? are wildcards; none: all"),
    "min_confidence": _("0 to 1"),
}
STORED = _("stored; leave empty to keep it")


class HeaderLines(forms.CharField):
    """A mapping, as lines of `Name: value`."""

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return "\n".join(f"{name}: {text}" for name, text in value.items())

    def to_python(self, value: Any) -> Any:
        headers = {}
        for line in str(value or "").splitlines():
            name, colon, text = line.partition(":")
            if line.strip() and not colon:
                raise forms.ValidationError(_("Expected lines like X-Site: north."), code="header")
            if colon:
                headers[name.strip()] = text.strip()
        return headers

    def run_validators(self, value: Any) -> None:
        """The types judge names and values."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(data) != (initial or {}))


class Lines(forms.CharField):
    """A text of lines, which browsers send with another line end than what is stored."""

    def to_python(self, value: Any) -> Any:
        return str(super().to_python(value)).replace("\r\n", "\n").strip()


class Words(forms.CharField):
    """A list of texts, one a line."""

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else "\n".join(value or ())

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]

    def run_validators(self, value: Any) -> None:
        """The types judge each."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(data) != list(initial or ()))


class Rows(forms.TypedMultipleChoiceField):
    """Ids of rows, chosen by name; ids that are stored stay although their row is gone."""

    def __init__(self, **options: Any) -> None:
        widget = widgets.UnfoldAdminSelect2MultipleWidget
        super().__init__(coerce=int, widget=widget, **options)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return {str(pk) for pk in initial or ()} != {str(pk) for pk in data or ()}


def _text(name: str, _kind: Any) -> forms.Field:
    if name == "ca_certificate":
        return Lines(widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 4}))
    return forms.CharField(
        widget=widgets.UnfoldAdminTextInputWidget, validators=[validate_plain_text]
    )


def _lines(field: type[forms.CharField]) -> Callable[[str, Any], forms.Field]:
    def make(_name: str, _kind: Any) -> forms.Field:
        return field(widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 3}))

    return make


def _sequence(_name: str, kind: Any) -> forms.Field:
    if isinstance(kind.item_type, inspect.IntType):
        return Rows()
    return _lines(Words)(_name, kind)


def _number(_name: str, kind: Any) -> forms.Field:
    is_whole = isinstance(kind, inspect.IntType)
    field = forms.IntegerField if is_whole else forms.FloatField
    options = {"min_value": kind.ge, "max_value": kind.le}
    return field(widget=widgets.UnfoldAdminIntegerFieldWidget, **options)


def _flag(_name: str, _kind: Any) -> forms.Field:
    return forms.BooleanField(widget=widgets.UnfoldBooleanSwitchWidget)


def _choice(_name: str, kind: Any) -> forms.Field:
    coerce: Callable[[Any], Any] = type(kind.values[0])
    return forms.TypedChoiceField(
        choices=[(value, value) for value in kind.values],
        coerce=coerce,
        empty_value=None,
        widget=widgets.UnfoldAdminSelectWidget,
    )


FIELDS: dict[type[Any], Callable[[str, Any], forms.Field]] = {
    inspect.StrType: _text,
    inspect.IntType: _number,
    inspect.FloatType: _number,
    inspect.BoolType: _flag,
    inspect.LiteralType: _choice,
    inspect.DictType: _lines(HeaderLines),
    inspect.VarTupleType: _sequence,
}


def _narrowed(kind: Any) -> Any:
    """Of a union its number: what else it takes (null, true) is what an empty field leaves out."""
    if isinstance(kind, inspect.UnionType):
        return next(part for part in kind.types if isinstance(part, inspect.FloatType))
    return kind


def field_for(member: inspect.Field) -> forms.Field:
    """Return the form field for one member of a type."""
    kind = _narrowed(member.type)
    field = FIELDS[type(kind)](member.name, kind)
    # A number that has a default may be left out.
    field.required = member.required
    field.label = LABELS.get(member.name, member.name.replace("_", " ").capitalize())
    field.help_text = HELP.get(member.name, "")
    return field


class SecretWidget(widgets.UnfoldAdminPasswordWidget):  # type: ignore[misc]  # unfold has no types
    """Shows nothing that is stored or was typed; a text to the browser, which else would take a form
    with several secrets for several sign-ins, and offer to remember them."""

    input_type = "text"

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "off", "spellcheck": "false", "data-secret": ""})


def secret_field(member: inspect.Field) -> forms.Field:
    """Return the field of a member of credentials: what is stored never comes back to a page."""
    field = field_for(member)
    if member.name not in SHOWN:
        field.widget = SecretWidget()
    return field


def members(kind: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)  # noqa: S101 - all of ours are
    return info.fields


def variants(kind: Any) -> dict[str, tuple[inspect.Field, ...]]:
    """Return the members of each variant of a tagged union, by tag."""
    info = inspect.type_info(kind)
    parts = info.types if isinstance(info, inspect.UnionType) else (info,)
    return {str(part.tag): part.fields for part in parts if isinstance(part, inspect.StructType)}


def default_of(member: inspect.Field) -> Any:
    if member.default_factory is not msgspec.NODEFAULT:
        return member.default_factory()
    return None if member.default is msgspec.NODEFAULT else member.default


def initial_of(member: inspect.Field, stored: dict[str, Any]) -> Any:
    """Return what the field shows; a union's other value (null, true) is an empty field."""
    value = stored.get(member.name, default_of(member))
    if isinstance(member.type, inspect.UnionType) and (value is None or value is True):
        return None
    return value


def _is_default(member: inspect.Field, value: Any) -> bool:
    default = default_of(member)
    # 1 is not true: of a jitter, that is another amount.
    return bool(value == default) and isinstance(value, bool) == isinstance(default, bool)


def given(part: tuple[inspect.Field, ...], values: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Return what was filled in, without what would be the default anyway."""
    found = {member.name: values.get(f"{prefix}_{member.name}") for member in part}
    return {
        member.name: value
        for member in part
        if (value := found[member.name]) not in (None, "", [], {})
        and not _is_default(member, value)
    }
