"""Who gets what at each address: the status of the answer, for every kind of visitor.

`void` is what once opened: a revoked key, a revoked token with its ended session, those of a
disabled user. 400 and 409 mean that the door was open and the empty request not good enough.
"""

from __future__ import annotations

from typing import NamedTuple

EVERYBODY = ("anon", "sensor", "other", "void", "viewer", "operator", "admin", "staff")

API = """
/api/v1/auth/token                                    POST   400 400 400 400 400 400 400 400
/api/v1/config/zones                                  GET    401 401 401 401 403 403 200 403
/api/v1/config/zones                                  POST   401 401 401 401 403 403 400 403
/api/v1/config/zones/<int:pk>                         GET    401 401 401 401 403 403 200 403
/api/v1/config/zones/<int:pk>                         PUT    401 401 401 401 403 403 400 403
/api/v1/config/zones/<int:pk>                         PATCH  401 401 401 401 403 403 200 403
/api/v1/config/zones/<int:pk>                         DELETE 401 401 401 401 403 403 204 403
/api/v1/config/models                                 GET    401 401 401 401 403 403 200 403
/api/v1/config/models                                 POST   401 401 401 401 403 403 400 403
/api/v1/config/models/<int:pk>                        GET    401 401 401 401 403 403 200 403
/api/v1/config/models/<int:pk>                        PUT    401 401 401 401 403 403 400 403
/api/v1/config/models/<int:pk>                        PATCH  401 401 401 401 403 403 200 403
/api/v1/config/models/<int:pk>                        DELETE 401 401 401 401 403 403 204 403
/api/v1/config/cameras                                GET    401 401 401 401 403 403 200 403
/api/v1/config/cameras                                POST   401 401 401 401 403 403 400 403
/api/v1/config/cameras/<int:pk>                       GET    401 401 401 401 403 403 200 403
/api/v1/config/cameras/<int:pk>                       PUT    401 401 401 401 403 403 400 403
/api/v1/config/cameras/<int:pk>                       PATCH  401 401 401 401 403 403 200 403
/api/v1/config/cameras/<int:pk>                       DELETE 401 401 401 401 403 403 409 403
/api/v1/config/sensors                                GET    401 401 401 401 403 403 200 403
/api/v1/config/sensors                                POST   401 401 401 401 403 403 400 403
/api/v1/config/sensors/<int:pk>                       GET    401 401 401 401 403 403 200 403
/api/v1/config/sensors/<int:pk>                       PUT    401 401 401 401 403 403 400 403
/api/v1/config/sensors/<int:pk>                       PATCH  401 401 401 401 403 403 200 403
/api/v1/config/sensors/<int:pk>                       DELETE 401 401 401 401 403 403 409 403
/api/v1/config/sensors/<int:pk>/keys                  GET    401 401 401 401 403 403 200 403
/api/v1/config/sensors/<int:pk>/keys                  POST   401 401 401 401 403 403 201 403
/api/v1/config/sensors/<int:pk>/keys/<str:key>        DELETE 401 401 401 401 403 403 204 403
/api/v1/exporters                                     GET    401 401 401 401 403 200 200 403
/api/v1/exporters                                     POST   401 401 401 401 403 403 400 403
/api/v1/exporters/<int:pk>                            GET    401 401 401 401 403 200 200 403
/api/v1/exporters/<int:pk>                            PUT    401 401 401 401 403 403 400 403
/api/v1/exporters/<int:pk>                            PATCH  401 401 401 401 403 403 200 403
/api/v1/exporters/<int:pk>                            DELETE 401 401 401 401 403 403 204 403
/api/v1/exporters/<int:pk>/deliveries                 GET    401 401 401 401 403 200 200 403
/api/v1/exporters/<int:pk>/deliveries/<int:delivery>  GET    401 401 401 401 403 200 200 403
/api/v1/exporters/<int:pk>/disable                    POST   401 401 401 401 403 403 200 403
/api/v1/exporters/<int:pk>/enable                     POST   401 401 401 401 403 403 400 403
/api/v1/exporters/<int:pk>/redeliver                  POST   401 401 401 401 403 400 400 403
/api/v1/exporters/<int:pk>/test                       POST   401 401 401 401 403 403 400 403
/api/v1/events                                        GET    401 401 401 401 200 200 200 403
/api/v1/events/<int:pk>                               GET    401 401 401 401 200 200 200 403
/api/v1/events/stream                                 GET    426 426 426 426 426 426 426 426
/api/v1/events/stream                                 POST   405 405 405 405 405 405 405 405
/api/v1/events/stats                                  GET    401 401 401 401 200 200 200 403
/api/v1/events/stats/confidence                       GET    401 401 401 401 200 200 200 403
/api/v1/events/export                                 GET    401 401 401 401 200 200 200 403
/api/v1/events/<int:pk>/frame                         GET    401 401 401 401 200 200 200 403
/api/v1/events/<int:pk>/frame?original=1              GET    401 401 401 401 403 403 200 403
/api/v1/events/<int:pk>/crop                          GET    401 401 401 401 200 200 200 403
/api/v1/holds                                         GET    401 401 401 401 403 403 200 403
/api/v1/holds                                         POST   401 401 401 401 403 403 400 403
/api/v1/holds/<int:pk>                                GET    401 401 401 401 403 403 200 403
/api/v1/holds/<int:pk>/lift                           POST   401 401 401 401 403 403 200 403
/api/v1/events/evidence                               GET    401 401 401 401 403 403 200 403
/api/v1/plates/copy                                   GET    401 401 401 401 403 403 400 403
/api/v1/plates/copy?plate=QX77LKD                     GET    401 401 401 401 403 403 200 403
/api/v1/plates/erase                                  POST   401 401 401 401 403 403 400 403
/api/v1/evidence/keys                                 GET    401 401 401 401 200 200 200 200
/api/v1/events/ingest                                 POST   401 400 400 401 403 403 403 403
/api/v1/events/ingest/batch                           POST   401 200 200 401 403 403 403 403
"""
# A session is none to a sensor's door: who comes with one is as good as nobody.
SENSORS_ONLY = ("/api/v1/events/ingest", "/api/v1/events/ingest/batch")
# It gives back what it was shown; a session is no token. Tested in test_tokens.
CREDENTIAL_ITSELF = {("/api/v1/auth/token", "DELETE")}

# 302 for those who are not signed in is the way to /login.
PAGES = """
/                                      GET    200 200 200 200 200 200 200 200
/health                                GET    200 200 200 200 200 200 200 200
/ready                                 GET    200 200 200 200 200 200 200 200
/liveness                              GET    200 200 200 200 200 200 200 200
/metrics                               GET    200 200 200 200 200 200 200 200
/schema                                GET    200 200 200 200 200 200 200 200
/docs                                  GET    200 200 200 200 200 200 200 200
/redoc                                 GET    200 200 200 200 200 200 200 200
/texts.js                              GET    200 200 200 200 200 200 200 200
/live                                  GET    302 302 302 302 200 200 200 403
/search                                GET    302 302 302 302 200 200 200 403
/statistics                            GET    302 302 302 302 200 200 200 403
/events/<int:pk>                       GET    302 302 302 302 200 200 200 403
/reason                                GET    302 302 302 302 200 200 200 200
/login                                 GET    200 200 200 200 302 302 302 302
/login/code                            GET    302 302 302 302 302 302 302 302
/logout                                GET    405 405 405 405 405 405 405 405
/account                               GET    302 302 302 302 200 200 200 200
/account/password                      GET    302 302 302 302 200 200 200 200
/account/second-factor                 GET    302 302 302 302 200 200 200 200
/account/second-factor/remove          GET    302 302 302 302 200 200 200 200
/account/recovery-codes                GET    302 302 302 302 302 302 302 302
/account/sessions/end-others           GET    405 405 405 405 405 405 405 405
/account/sessions/<slug:key>/end       GET    405 405 405 405 405 405 405 405
/account/tokens/<slug:digest>/revoke   GET    405 405 405 405 405 405 405 405
/admin/                                GET    302 302 302 302 302 302 200 200
/admin/search/                         GET    302 302 302 302 302 302 200 200
/admin/login/                          GET    302 302 302 302 403 403 302 302
/admin/logout/                         GET    405 405 405 405 405 405 405 405
/admin/password_change/                GET    302 302 302 302 302 302 302 302
/admin/password_change/done/           GET    302 302 302 302 302 302 200 200
/admin/autocomplete/                   GET    302 302 302 302 302 302 403 403
/admin/data-subject/                   GET    302 302 302 302 302 302 200 403
/admin/jsi18n/                         GET    302 302 302 302 302 302 200 200
/admin/auth/user/<id>/password/        GET    302 302 302 302 302 302 200 403
/admin/cameras/camera/import/          GET    302 302 302 302 302 302 200 403
/admin/cameras/camera/export/          GET    302 302 302 302 302 302 200 403
/admin/zones/zone/import/              GET    302 302 302 302 302 302 200 403
/admin/zones/zone/export/              GET    302 302 302 302 302 302 200 403
/admin/sensors/sensorsettings/import/  GET    302 302 302 302 302 302 200 403
/admin/sensors/sensorsettings/export/  GET    302 302 302 302 302 302 200 403
/admin/sensors/sensorsettings/<path:object_id>/make-key/                GET 302 302 302 302 302 302 200 403
/admin/cameras/camera/<path:object_id>/draw-zone/                       GET 302 302 302 302 302 302 302 403
/admin/exporters/exporterconfig/<path:object_id>/state/                 GET 302 302 302 302 302 302 200 403
/admin/exporters/delivery/<path:object_id>/again/                       GET 302 302 302 302 302 302 200 403
/admin/sensors/sensorsettings/<int:sensor_id>/keys/<int:key_id>/revoke  GET 302 302 302 302 302 302 405 405
"""
# Of each kind of thing in the admin: what an administrator finds there (staff without a role get
# 403 everywhere, all others are led to /login).
ADMIN = """
                           list add change delete history
knox/authtoken             200  200 200    200    200
zones/zone                 200  200 200    200    200
models_cfg/modelconfig     200  200 200    200    200
cameras/camera             200  200 200    200    200
sensors/sensorsettings     200  200 200    200    200
events/plateevent          200  403 200    403    200
events/legalhold           200  200 200    403    200
exporters/exporterconfig   200  200 200    200    200
exporters/delivery         200  403 200    403    200
exporters/deliveryattempt  200  403 200    403    200
auth/user                  200  200 200    200    200
auth/group                 200  200 200    200    200
axes/accessattempt         200  403 200    200    200
audit/auditentry           200  403 200    403    200
"""
ADMIN_ROUTES = {
    "list": "/admin/{}/",
    "add": "/admin/{}/add/",
    "change": "/admin/{}/<path:object_id>/change/",
    "delete": "/admin/{}/<path:object_id>/delete/",
    "history": "/admin/{}/<path:object_id>/history/",
}
# They only lead on to what is in the table: to a change page, to a page of the site, or nowhere.
ONWARDS = ("/admin/r/", "/admin/^(?P<app_label>", "/admin/(?P<url>")


class Row(NamedTuple):
    route: str
    method: str
    statuses: dict[str, int]


def rows(table: str) -> list[Row]:
    lines = [line.split() for line in table.splitlines() if line.strip()]
    return [
        Row(route, method, dict(zip(EVERYBODY, map(int, statuses), strict=True)))
        for route, method, *statuses in lines
    ]


def admin_rows() -> list[Row]:
    head, *lines = [line.split() for line in ADMIN.splitlines() if line.strip()]
    others = dict.fromkeys(EVERYBODY, 302) | {"staff": 403}
    return [
        Row(ADMIN_ROUTES[page].format(name), "GET", others | {"admin": int(status)})
        for name, *statuses in lines
        for page, status in zip(head, statuses, strict=True)
    ]
