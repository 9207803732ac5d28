"""Poison that must not get in: names, topics and events that no sink could ever take."""

from __future__ import annotations

import json
import uuid
from typing import Any

from ledger.edge import INGEST, post
from ledger.installation import Installation

MQTT_TOPICS = (
    *("a\0b", "a\nb", "$SYS/broker", "a/+/b", "a/#", "#", "x" * 70_000, "", "a//b", "/a"),
    *("a\ud800b", "{plate", "{password}", "a\x7fb", "a\ufffeb", "{plate}" * 100),
)
KAFKA_TOPICS = ("", ".", "..", "a b", "plätze", "x" * 300, "a\0", "a\n", "{plate}", "a/b")
NAMES = ("a\0b", "a\nb", "", " ", "x" * 70_000, "a\ud800b")
# Whether a door takes these or not: what it took must come out at every sink.
PLATES = (
    *("AB\0C1", "AB\n1", "$SYS/AB1", "AB+/#1", "#1", "ÄÖ 12", "Ω1", "AB\u202e12", "\ufeffAB1"),
    *("{camera}/{plate}1", '"AB",1', "<script>1</script>", "=1+1", "../../AB1", "AB\ud8001"),
    *(
        "A" * 32,
        "A" * 33,
        "A" * 70_000,
        "🚗 1",
        "١٢٣",
        "\uff21\uff11",
        "%00AB1",
        "AB\r\nwebhook-id: 1",
    ),
)
REGIONS = ("$SYS/#", "+", "a/b", "{plate}", "\0", "🚗", "x" * 17)
CAMERAS = (
    *("$SYS/#", "<script>alert(1)</script>", "=cmd()", "a\0b", "a\nb", "🚗" * 20, "x" * 70_000),
    *("\u202eeman", "..", "{plate}", "a\ud800b", '"; DROP TABLE', "%s%n"),
)


def _ask(made: Installation, token: str, path: str, body: object) -> tuple[int, bytes]:
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
    return made.server.call("POST", path, json.dumps(body).encode(), headers)


def exporters_taken(made: Installation, token: str) -> list[str]:
    """Try to make exporters that could deliver nothing; return which were not refused with a 400."""
    mqtt: dict[str, object] = {"host": "127.0.0.1", "port": 1}
    kafka: dict[str, object] = {"bootstrap_servers": "127.0.0.1:1"}
    tries = [("mqtt", f"mqtt {topic[:30]!r}", mqtt | {"topic": topic}) for topic in MQTT_TOPICS]
    tries += [
        ("kafka", f"kafka {topic[:30]!r}", kafka | {"topic": topic}) for topic in KAFKA_TOPICS
    ]
    bodies: list[tuple[str, dict[str, object]]] = [
        (what, {"name": f"door {number}", "exporter_type": kind, "config": config})
        for number, (kind, what, config) in enumerate(tries)
    ]
    good: dict[str, object] = {"exporter_type": "webhook", "config": {"url": "http://127.0.0.1:1/"}}
    bodies += [(f"name {name[:30]!r}", good | {"name": name}) for name in NAMES]
    answers = [(what, _ask(made, token, "/api/v1/exporters", body)[0]) for what, body in bodies]
    return [f"{what}: {status}" for what, status in answers if status != 400]


def odd_cameras(made: Installation, token: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Make cameras of odd names; return a sensor's key for each, and what went wrong."""
    keys, wrong = [], []
    for name in CAMERAS:
        status, content = _ask(made, token, "/api/v1/config/cameras", {"name": name})
        if status == 201:
            camera = json.loads(content)["id"]
            _, content = _ask(
                made, token, "/api/v1/config/sensors", {"name": f"of {camera}", "camera": camera}
            )
            sensor = json.loads(content)["id"]
            _, content = _ask(made, token, f"/api/v1/config/sensors/{sensor}/keys", {})
            keys.append(json.loads(content))
        elif status != 400:
            wrong.append(f"camera {name[:30]!r}: {status}")
    return keys, wrong


def odd_events(made: Installation, keys: list[str]) -> tuple[set[str], list[str]]:
    """Send what is odd; return what was taken, and what was neither taken nor refused with a 4xx."""
    bodies: list[dict[str, object]] = [{"plate": plate} for plate in PLATES]
    bodies += [{"plate": "AB1", "region": region} for region in REGIONS]
    bodies += [{"plate": "AB1", "vehicle": {"make": "x" * 5_000_000}}]
    tries = [(keys[0], body) for body in bodies]
    tries += [(key, {"plate": "CD2"}) for key in keys[1:]]
    taken, wrong = set(), []
    for key, body in tries:
        pk = str(uuid.uuid4())
        fields = {"event_id": pk, "confidence": 0.5, "captured_at": "2026-11-22T08:00:00Z"}
        headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
        status, _ = post(made.server.port, INGEST, json.dumps(fields | body).encode(), headers)
        if status == 201:
            taken.add(pk)
        elif status not in {400, 413}:
            wrong.append(f"event {str(body)[:60]}: {status}")
    return taken, wrong


def through_the_doors(
    made: Installation, token: str, edge: dict[str, Any]
) -> tuple[list[str], set[str]]:
    """Return what was wrongly let in (or broke the door), and the odd events that are valid."""
    keys, wrong = odd_cameras(made, token)
    taken, refusals = odd_events(made, [edge["key"], *(key["key"] for key in keys)])
    return [*exporters_taken(made, token), *wrong, *refusals], taken
