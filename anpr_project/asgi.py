"""ASGI entry point: WebSockets and HTTP of the embedded shape, and the stream process."""

from __future__ import annotations

import os
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anpr_project.settings")
django_application: Any = get_asgi_application()

# Only now: consumers import models, which need Django set up.
from anpr_project.asgi_load_limit import AsyncLoadLimit  # noqa: E402
from anpr_project.body_limit import BodyLimit, Message, Receive, Send  # noqa: E402
from events.routing import websocket_urlpatterns  # noqa: E402


async def no_such_socket(scope: Message, receive: Receive, send: Send) -> None:
    """Refuse a handshake on an unknown path; the router alone would raise, with a traceback."""
    await receive()
    await send({"type": "websocket.close", "code": 4404})


async def lifespan(scope: Message, receive: Receive, send: Send) -> None:
    """Answer the server's start and stop; there is nothing to do at either."""
    for phase in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{phase}.complete"})


# Any: Django's types know only views here.
unknown: Any = no_such_socket
sockets: list[Any] = [*websocket_urlpatterns, re_path(r"", unknown)]
application = ProtocolTypeRouter(
    {
        "http": AsyncLoadLimit(BodyLimit(django_application), settings.API_THREADS),
        "websocket": URLRouter(sockets),
        "lifespan": lifespan,
    }
)
