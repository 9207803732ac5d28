"""The sidebar of the admin site: by task, and only what the user may see."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop


class Entry(NamedTuple):
    title: str
    icon: str
    view: str
    permission: str = ""


def _list(title: str, icon: str, model: str) -> Entry:
    app, _dot, name = model.partition(".")
    return Entry(title, icon, f"admin:{app}_{name}_changelist", f"{app}.view_{name}")


SEE_EVENTS = "events.view_plateevent"
GROUPS = {
    gettext_noop("Watch"): [
        Entry(gettext_noop("Overview"), "monitoring", "admin:index"),
        Entry(gettext_noop("Live"), "sensors", "live", SEE_EVENTS),
    ],
    gettext_noop("Find"): [
        Entry(gettext_noop("Search"), "search", "search", SEE_EVENTS),
        Entry(gettext_noop("Statistics"), "bar_chart", "statistics", SEE_EVENTS),
        _list(gettext_noop("Events"), "directions_car", "events.plateevent"),
    ],
    gettext_noop("Configure"): [
        _list(gettext_noop("Cameras"), "photo_camera", "cameras.camera"),
        _list(gettext_noop("Zones"), "pentagon", "zones.zone"),
        _list(gettext_noop("Sensors"), "router", "sensors.sensorsettings"),
        _list(gettext_noop("Models"), "neurology", "models_cfg.modelconfig"),
    ],
    gettext_noop("Deliver"): [
        _list(gettext_noop("Exporters"), "send", "exporters.exporterconfig"),
        _list(gettext_noop("Deliveries"), "outbox", "exporters.delivery"),
        _list(gettext_noop("Attempts"), "history", "exporters.deliveryattempt"),
    ],
    gettext_noop("Administer"): [
        _list(gettext_noop("Users"), "person", "auth.user"),
        _list(gettext_noop("Groups"), "group", "auth.group"),
        _list(gettext_noop("Tokens"), "key", "knox.authtoken"),
        _list(gettext_noop("Failed sign-ins"), "gpp_maybe", "axes.accessattempt"),
        _list(gettext_noop("Legal holds"), "gavel", "events.legalhold"),
        Entry(gettext_noop("Data subjects"), "person_off", "data_subject", "events.erase_plate"),
        _list(gettext_noop("Audit log"), "policy", "audit.auditentry"),
    ],
}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    def items(entries: list[Entry]) -> list[dict[str, Any]]:
        return [
            {"title": _(entry.title), "icon": entry.icon, "link": reverse(entry.view)}
            for entry in entries
            if not entry.permission or request.user.has_perm(entry.permission)
        ]

    return [{"title": _(title), "items": items(entries)} for title, entries in GROUPS.items()]
