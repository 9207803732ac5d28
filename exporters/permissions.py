"""Who may do what with exporters beyond reading and writing them."""

from __future__ import annotations

from anpr_project.lib.permissions import ModelPermissions


class MayChange(ModelPermissions):
    """Testing and switching is changing."""

    perms_map = {
        method: ["exporters.change_exporterconfig"] for method in ("GET", "HEAD", "OPTIONS", "POST")
    }


class MaySeeDeliveries(ModelPermissions):
    perms_map = {method: ["exporters.view_delivery"] for method in ("GET", "HEAD", "OPTIONS")}


class MayRedeliver(ModelPermissions):
    perms_map = {method: ["exporters.redeliver"] for method in ("GET", "HEAD", "OPTIONS", "POST")}
