"""The controls of the schema's checks: a schema that is wrong in one thing, which has to be seen.

Two checks would need a product that is broken, and have a server in its place that answers the same
to everything.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LIST, ONE = "/api/v1/config/models", "/api/v1/config/models/{id}"
EMPTY: dict[str, Any] = {"count": 0, "next": None, "previous": None, "results": []}
Schema = dict[str, Any]


@dataclass(frozen=True)
class Damage:
    """What is wrong, at which operation, and the title under which schemathesis has to tell it."""

    title: str
    path: str
    damage: Callable[[Schema], object] = lambda _: None
    # What the server in the product's place answers to everything.
    answer: tuple[int, Schema] | None = None


def _responses(schema: Schema, path: str) -> Schema:
    found: Schema = schema["paths"][path]["get"]["responses"]
    return found


def _page_size(schema: Schema) -> Schema:
    parameters = schema["paths"][LIST]["get"]["parameters"]
    return next(each["schema"] for each in parameters if each["name"] == "page_size")


def _is_a_table(schema: Schema) -> None:
    content = _responses(schema, LIST)["200"]["content"]
    content["text/csv"] = content.pop("application/json")


def _count_is_a_text(schema: Schema) -> None:
    page = schema["components"]["schemas"]["PaginatedModelConfigList"]
    page["properties"]["count"] = {"type": "string"}


DAMAGES = {
    "a status that is not documented": Damage(
        "Undocumented status code", ONE, lambda s: _responses(s, ONE).pop("404")
    ),
    "a type of content that is not documented": Damage(
        "Undocumented Content-Type", LIST, _is_a_table
    ),
    "a body that is not as documented": Damage("Response violates schema", LIST, _count_is_a_text),
    "refused although it fits": Damage(
        "Schema-valid request rejected", LIST, lambda s: _page_size(s).pop("minimum")
    ),
    "taken although it does not fit": Damage(
        "Schema-violating request accepted", LIST, lambda s: _page_size(s).update(maximum=1)
    ),
    "a failure of the server": Damage("Server error", LIST, answer=(500, EMPTY)),
    "open to everybody": Damage(
        "API accepts requests without authentication", LIST, answer=(200, EMPTY)
    ),
}


@contextmanager
def answering(status: int, content: Schema) -> Iterator[str]:
    """A server that answers the same to everything; yields its address."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def damaged(schema: Schema, damage: Damage, folder: Path) -> Path:
    """Write the schema with one thing wrong; return the file."""
    schema = json.loads(json.dumps(schema))
    damage.damage(schema)
    file = folder / "wrong.json"
    file.write_text(json.dumps(schema))
    return file
