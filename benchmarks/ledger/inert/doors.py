"""The doors by which texts come in: API, ingest, forms, file imports, headers and sign-ins."""

from __future__ import annotations

import csv
import io
import json
import re
import socket
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx
from product import PASSWORD, Server

from ledger.edge import form
from ledger.inert.corpus import Hostile

SQUARE = [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5], [0.1, 0.5], [0.1, 0.1]]
AREA = {"type": "Polygon", "coordinates": [SQUARE]}
CAPTURED_AT = "2026-11-22T08:00:00Z"
API = "/api/v1"
CONFIG = f"{API}/config"


def quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@dataclass(frozen=True)
class Placed:
    """A text that was let in, as the product says that it keeps it."""

    hostile: Hostile
    kind: str
    pk: int
    texts: tuple[str, ...]


@dataclass
class Doors:
    server: Server
    token: str
    placed: list[Placed] = field(default_factory=list)
    # Of each door: how many texts it let in, and how many it refused.
    taken: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    # Neither taken nor refused in good order.
    broken: list[str] = field(default_factory=list)

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Token {self.token}"}

    def of(self, kind: str) -> list[Placed]:
        return [one for one in self.placed if one.kind == kind]

    def note(self, door: str, status: int, what: object) -> bool:
        """Count the answer; return whether the text was let in."""
        if 200 <= status < 400:
            self.taken[door] += 1
            return True
        self.refused[door] += 1
        if not 400 <= status < 500:
            self.broken.append(f"{door}: {status} for {what!a}")
        return False

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        sent = self.authorization | {"Content-Type": "application/json"}
        status, answer = self.server.call(method, path, data, sent | headers)
        try:
            return status, json.loads(answer)
        except ValueError:
            return status, answer

    def post(self, hostile: Hostile, kind: str, path: str, **fields: Any) -> int | None:
        """Make a row with the text; return its id if it was let in."""
        status, answer = self.call("POST", path, fields)
        if not self.note(kind, status, hostile.text):
            return None
        texts = [answer[name] for name, value in fields.items() if value == hostile.text]
        self.placed.append(Placed(hostile, kind, answer["id"], tuple(filter(None, texts))))
        return int(answer["id"])


def configure(doors: Doors, one: Hostile, sink: str) -> str | None:
    """Put the text into one of everything that is configured; return the key of its sensor."""
    text, word = one.text, one.word
    zone = doors.post(
        one,
        "zone",
        f"{CONFIG}/zones",
        name=text,
        zone_type="detection",
        space="image",
        geometry=AREA,
    )
    camera = doors.post(
        one,
        "camera",
        f"{CONFIG}/cameras",
        name=text,
        address=text,
        zones=[zone] if zone else [],
        latitude=51.5,
        longitude=-0.12,
    )
    model = doors.post(
        one,
        "model",
        f"{CONFIG}/models",
        name=text,
        version=word,
        model_type="ocr",
        weights_path=text,
    )
    sensor = doors.post(
        one,
        "sensor",
        f"{CONFIG}/sensors",
        name=text,
        serial_number=text,
        camera=camera,
        zone=zone,
        models=[model] if model else [],
        settings={"note": word},
    )
    doors.post(one, "hold", f"{API}/holds", name=text, reason=text, plate=word)
    doors.post(one, "exporter", f"{API}/exporters", **webhook(text, sink, word))
    doors.post(one, "header", f"{API}/exporters", **webhook(word, sink, text))
    if sensor is None:
        return None
    settings = {"settings": {"note": text, text: word}}
    status, _ = doors.call("PATCH", f"{CONFIG}/sensors/{sensor}", settings)
    doors.note("sensor settings", status, text)
    status, key = doors.call("POST", f"{CONFIG}/sensors/{sensor}/keys", {"label": text})
    if not doors.note("key label", status, text):
        status, key = doors.call("POST", f"{CONFIG}/sensors/{sensor}/keys", {"label": word})
    return str(key["key"])


def webhook(name: str, url: str, header: str) -> dict[str, Any]:
    """An exporter that rests: hundreds at work would be another test."""
    return {
        "name": name,
        "enabled": False,
        "exporter_type": "webhook",
        "config": {"url": url, "headers": {"X-Note": header}},
        "auth": {"type": "none"},
    }


def events_of(one: Hostile) -> list[dict[str, Any]]:
    """The text as a plate, and beside one: where it is too long for a plate it may fit there."""
    text, word = one.text, one.word
    base = {"plate": word, "confidence": 0.5, "captured_at": CAPTURED_AT}
    words = dict.fromkeys(("type", "make", "model", "color", "direction"), text)
    return [
        base | {"plate": text},
        base | {"vehicle": words},
        base | {"region": text},
        base | {"candidates": [{"plate": text, "confidence": 0.4}]},
        base | {"tpms": [{"id": "1f", "model": text}]},
    ]


PARTS_OF_EVENT = ("plate", "vehicle", "region", "candidate", "tyre model")


def send_events(doors: Doors, one: Hostile, key: str, picture: bytes) -> None:
    authorization = {"Authorization": f"Api-Key {key}"}
    events = events_of(one)
    status, answers = doors.call("POST", f"{API}/events/ingest/batch", events, **authorization)
    if status != 200:
        doors.broken.append(f"batch: {status} for {one.text!a}")
        return
    for part, answer in zip(PARTS_OF_EVENT, answers, strict=True):
        if doors.note(part, answer["status"], one.text):
            doors.placed.append(Placed(one, part, answer["id"], (one.text,)))
    body, kind = form(events[1] | {"vehicle": {}}, {"frame": picture, "crop": picture})
    # The name of a file is a text as well.
    name = one.text.encode("utf-8", "surrogatepass")[:60]
    body = body.replace(b'filename="x.png', b'filename="' + re.sub(rb'["\r\n\\]', b"_", name))
    headers = authorization | {"Content-Type": kind}
    status, _ = doors.server.call("POST", f"{API}/events/ingest", body, headers)
    doors.note("file name", status, one.text)


def look(doors: Doors, one: Hostile) -> None:
    """Put the text into addresses, and into the reason for looking."""
    text = quoted(one.text)
    reason = {"X-Search-Reason": text}
    status, _ = doors.call("GET", f"{API}/events?plate=A*", **reason)
    doors.note("search reason", status, one.text)
    for name in ("plate", "similar", "camera", "vehicle_make", "cursor", "unknown"):
        status, _ = doors.call("GET", f"{API}/events?{name}={text}")
        doors.note(f"query {name}", status, one.text)
    status, _ = doors.call("GET", f"/{text}")
    doors.note("path", status, one.text)


def whisper(server: Server, one: Hostile) -> bytes:
    """Send the text as headers, byte for byte; return the head of the answer."""
    text = re.sub("[\r\n]", "", one.text)[:2000].encode("utf-8", "surrogatepass")
    names = (b"User-Agent", b"X-Request-ID", b"Referer", b"X-Forwarded-For", b"Accept-Language")
    lines = b"".join(name + b": " + text + b"\r\n" for name in names)
    target = b"/live?next=" + quoted(one.text).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=15) as connection:
        host = f"Host: 127.0.0.1:{server.port}\r\nConnection: close\r\n".encode()
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\n" + host + lines + b"\r\n")
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer.partition(b"\r\n\r\n")[0]


def sign_in(server: Server, name: str, password: str, agent: bytes) -> tuple[int, httpx.Client]:
    """Use the form, as a browser does."""
    client = httpx.Client(base_url=server.url, timeout=30)
    page = client.get("/login")
    fields = {"username": name, "password": password, "csrfmiddlewaretoken": token_in(page.text)}
    answer = client.post("/login", data=fields, headers={b"User-Agent": agent})
    return answer.status_code, client


def as_utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def token_in(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    return found[1] if found else ""


def knock(doors: Doors, one: Hostile) -> None:
    """Fail to sign in under this name, and succeed with this program's name."""
    agent = re.sub(r"[^\t -~\x80-\U0010ffff]|[\ud800-\udfff]", "", one.text).strip().encode()[:500]
    status, client = sign_in(doors.server, as_utf8(one.text), "wrong", agent)
    client.close()
    doors.note("name at sign-in", status, one.text)
    status, client = sign_in(doors.server, "admin", PASSWORD, agent)
    client.close()
    doors.note("browser's name", status, one.text)


def file_of_cameras(corpus: list[Hostile]) -> bytes:
    """All texts as cells of a file to be imported."""
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow(["name", "address"])
    rows.writerows([f"file {one.word}", as_utf8(one.text)] for one in corpus)
    return file.getvalue().encode()
