"""A WSGI application that has no place for anybody, and nobody to read bodies: a server's test case."""

from __future__ import annotations

from anpr_project.load_limit import Room
from anpr_project.wsgi_load_limit import DRAINERS, LoadLimit

application = LoadLimit(lambda environ, start_response: [b""], places=0)
application.room = Room(places=0, seats=0)
for _ in range(DRAINERS):
    application._drainers.acquire()
