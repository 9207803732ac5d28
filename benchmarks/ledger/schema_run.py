"""Tries the API against its own schema, in every role, with every check that schemathesis has."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

from product import PASSWORD, Server, free_port, services

from ledger.checks import Finding
from ledger.edge import form, picture
from ledger.report import tell_findings
from ledger.schema_controls import DAMAGES, answering, damaged

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


def command(role: str, header: str, options: argparse.Namespace) -> list[str]:
    """All but where the schema is, and where the server."""
    return [
        # In place of these two, what `schema_rules` makes of them.
        *("--checks", "all"),
        *("--exclude-checks", "positive_data_acceptance,negative_data_rejection"),
        *("--continue-on-failure", "--seed", str(options.seed)),
        *("--generation-database", "none", "--request-timeout", "15", "--no-color"),
        *("--exclude-operation-id", "logout", "--warnings", "off"),
        *("--report", "json", "--report-json-path", f"schema-{role}.json"),
        *(["-H", f"Authorization: {header}"] if header else []),
    ]


def run(folder: Path, name: str, arguments: list[str]) -> tuple[bool, str]:
    """Run schemathesis; return whether all was well, and what it said."""
    log = folder / f"schema-{name}.log"
    with log.open("w") as file:
        result = subprocess.run(  # noqa: S603 - our own command
            [str(Path(sys.executable).with_name("st")), "run", *arguments],
            stdout=file,
            stderr=file,
            check=False,
            cwd=folder,
            env=os.environ | {"SCHEMATHESIS_HOOKS": str(HERE / "schema_rules.py")},
        )
    return result.returncode == 0, log.read_text()


def try_role(server: Server, role: str, header: str, options: argparse.Namespace) -> Finding:
    holds, text = run(
        server.folder,
        role,
        [
            *(f"{server.url}/schema?format=json", *command(role, header, options)),
            *("--phases", options.phases, "--max-examples", str(options.examples)),
            *(options.st or []),
        ],
    )
    lines = re.findall(r"^ *(?:Operations|Test cases|Failures|.*generated).*$", text, re.MULTILINE)
    print(role, *lines, sep="\n    ", flush=True)
    if not holds:
        print(text[-6000:])
    titles = re.findall(r"^- (?:ST\d+ )?(.+)$", text, re.MULTILINE)
    return Finding(f"contradicts its schema: {role}", [] if holds else titles or ["see above"])


def control(server: Server, header: str, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Yield what became of each wrong schema."""
    _, content = server.call("GET", "/schema", headers={"Accept": "application/json"})
    right = json.loads(content)
    for number, (name, damage) in enumerate(DAMAGES.items()):
        file = damaged(right, damage, server.folder)
        operation = right["paths"][damage.path]["get"]["operationId"]
        with answering(*damage.answer) if damage.answer else nullcontext(server.url) as url:
            _, text = run(
                server.folder,
                f"control-{number}",
                [
                    *(str(file), "--url", url, *command("control", header, options)),
                    *("--include-operation-id", operation),
                    *("--phases", "coverage,fuzzing", "--max-examples", "20", "--no-shrink"),
                ],
            )
        titles = set(re.findall(r"^- (?:ST\d+ )?(.+)$", text, re.MULTILINE))
        yield name, "red" if damage.title in titles else f"WRONG: {', '.join(titles) or 'green'}"


def schema(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    """Every operation, every role, every check."""
    server = start(folder, stack)
    headers = make_people(server)
    headers["sensor"] = make_things(server, headers["administrator"])
    roles = options.roles or ROLES
    bad = tell_findings([try_role(server, role, headers[role], options) for role in roles], None)
    for name, word in (
        control(server, headers["administrator"], options) if options.controls else ()
    ):
        print(f"{name:38} {'':6}  {word}", flush=True)
        bad += word != "red"
    return bad
