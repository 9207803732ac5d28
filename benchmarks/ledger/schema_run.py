"""Tries the API against its own schema, in every role, with every check that schemathesis has."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import os
import random
import re
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from product import PASSWORD, Server, free_port, services

from ledger.edge import form, picture

ROLES = ("anonymous", "viewer", "operator", "administrator", "sensor")
GROUPS = {"viewer": "Viewers", "operator": "Operators", "administrator": "Administrators"}
# It ends the token it is called with, and so everything after it: tried alone.
OWN_TOKEN = "DELETE /api/v1/auth/token"  # noqa: S105 - no secret
PLATES = 5
HERE = Path(__file__).resolve().parent


def start(folder: Path, stack: ExitStack) -> Server:
    settings, started = services(folder)
    for process in started:
        stack.callback(process.wait)
        # Fast: SIGTERM would wait for every connection of ours.
        stack.callback(process.send_signal, signal.SIGINT)
    settings |= {"API_DOCS": "1", "EXPORT_ALLOW_NETWORKS": "127.0.0.0/8", "API_WORKERS": "2"}
    server = Server("serve", folder, free_port(), settings)
    stack.callback(lambda: server.process and server.kill())
    server.start()
    return server


def make_people(server: Server) -> dict[str, str]:
    """Make a user of each role; return the Authorization header of each."""
    os.environ |= server.extra | {
        "DATA_DIR": str(server.folder / "var"),
        "DJANGO_SETTINGS_MODULE": "anpr_project.settings",
    }
    import django

    django.setup()
    from django.contrib.auth.models import Group, User

    headers = {"anonymous": ""}
    for role, group in GROUPS.items():
        user = User.objects.create_user(role, password=PASSWORD)
        user.groups.add(Group.objects.get(name=group))
        headers[role] = f"Token {token_of(server, role)}"
    return headers


def token_of(server: Server, name: str) -> str:
    login = {"username": name, "password": PASSWORD}
    return str(server.json("POST", "/api/v1/auth/token", login)["token"])


def make_things(server: Server, administrator: str) -> str:
    """Make one of each thing, so that ids can be hit; return the header of the sensor."""

    def make(path: str, **fields: Any) -> Any:
        return server.json("POST", f"/api/v1/{path}", fields, Authorization=administrator)

    camera = make("config/cameras", name="Schema camera")["id"]
    sensor = make("config/sensors", name="Schema sensor", camera=camera)["id"]
    key = make(f"config/sensors/{sensor}/keys")["key"]
    place = {"url": "http://127.0.0.1:9/hook"}
    make("exporters", name="Nowhere", exporter_type="webhook", config=place, auth={"type": "none"})
    chance = random.Random(1)  # noqa: S311 - no secret
    for number in range(PLATES):
        event = {"plate": f"AB{number}", "confidence": 0.5, "captured_at": "2026-11-22T08:00:00Z"}
        frame = picture(chance, 30)
        body, kind = form(event, {"frame": frame, "crop": frame})
        headers = {"Authorization": f"Api-Key {key}", "Content-Type": kind}
        server.call("POST", "/api/v1/events/ingest", body, headers)
    return f"Api-Key {key}"


def command(server: Server, role: str, header: str, options: argparse.Namespace) -> list[str]:
    report = server.folder / f"schema-{role}.json"
    return [
        str(Path(sys.executable).with_name("st")),
        *("run", f"{server.url}/schema?format=json", "--checks", "all"),
        *("--exclude-checks", "positive_data_acceptance"),
        *("--phases", options.phases, "--continue-on-failure"),
        *("--max-examples", str(options.examples), "--seed", str(options.seed)),
        *("--generation-database", "none", "--request-timeout", "15", "--no-color"),
        *("--exclude-operation-id", "logout", "--warnings", "off"),
        *("--report", "json", "--report-json-path", str(report)),
        *(["-H", f"Authorization: {header}"] if header else []),
        *(options.st or []),
    ]


def try_role(server: Server, role: str, header: str, options: argparse.Namespace) -> bool:
    log = server.folder / f"schema-{role}.log"
    with log.open("w") as file:
        result = subprocess.run(  # noqa: S603 - our own command
            command(server, role, header, options),
            stdout=file,
            stderr=file,
            check=False,
            cwd=server.folder,
            env=os.environ | {"SCHEMATHESIS_HOOKS": str(HERE / "schema_rules.py")},
        )
    text = log.read_text()
    summary = re.findall(
        r"^ *(?:Operations|Test cases|Failures|.*generated).*$", text, re.MULTILINE
    )
    print(f"{role:14} {'holds' if result.returncode == 0 else 'BROKEN'}", *summary, sep="\n    ")
    if result.returncode:
        print(text[-6000:])
    return result.returncode == 0


def schema(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    """Every operation, every role, every check."""
    server = start(folder, stack)
    headers = make_people(server)
    headers["sensor"] = make_things(server, headers["administrator"])
    roles = options.roles or ROLES
    return sum(not try_role(server, role, headers[role], options) for role in roles)
