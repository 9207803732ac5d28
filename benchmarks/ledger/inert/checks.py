"""What came out of everything with the hostile texts, and the checks that look for what is not inert."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from ledger.checks import Finding
from ledger.inert import outputs
from ledger.inert.browser import Noticed
from ledger.inert.corpus import MADE_BY_A_TEMPLATE

MEMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*")


@dataclass(frozen=True)
class Came:
    """Everything that came out."""

    # Answers that were neither a yes nor a no.
    broken: tuple[str, ...]
    # Of answers to hostile headers, byte for byte.
    heads: tuple[bytes, ...]
    csv: Mapping[str, bytes]
    # Bodies of answers and messages, by where they were got.
    bodies: tuple[tuple[str, bytes], ...]
    packages: Mapping[str, bytes]
    topics: tuple[str, ...]
    # Of the messages: headers, and Kafka's keys.
    headers: tuple[tuple[str, str], ...]
    log: tuple[bytes, ...]
    metrics: bytes
    # Of each event: what the product says that it keeps, and what each place made of it.
    kept: Mapping[int, tuple[str, ...]]
    told: Mapping[str, Mapping[int, tuple[str, ...]]]
    noticed: Noticed


def active(came: Came) -> Iterator[str]:
    for name, data in came.csv.items():
        yield from (f"{name}: {cell}" for cell in outputs.active_cells(data))


def ragged(came: Came) -> Iterator[str]:
    """Rows that a text has begun or ended."""
    for name, data in came.csv.items():
        head, *rows = csv.reader(io.StringIO(data.decode().removeprefix("\ufeff"), newline=""))
        yield from (f"{name}: {row[:3]}" for row in rows if len(row) != len(head))


def not_json(came: Came) -> Iterator[str]:
    for where, data in came.bodies:
        yield from outputs.json_problem(where, data)


def members(came: Came) -> Iterator[str]:
    for name, data in came.packages.items():
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            for member in package.namelist():
                if not MEMBER.fullmatch(member) or ".." in member:
                    yield f"{name}: member {member!a}"
                elif member.endswith(".json"):
                    yield from outputs.json_problem(f"{name}/{member}", package.read(member))


def computed(came: Came) -> Iterator[str]:
    pieces = [*came.bodies, *came.csv.items(), ("metrics", came.metrics)]
    for where, data in pieces:
        yield from outputs.computed(where, data)
    yield from came.noticed.computed


def changed(came: Came) -> Iterator[str]:
    for where, events in came.told.items():
        for pk, texts in came.kept.items():
            if events.get(pk) != texts:
                yield f"{where}, event {pk}: {events.get(pk)!a} for {texts!a}"


CHECKS: dict[str, Callable[[Came], Iterator[str]]] = {
    "neither taken nor refused": lambda came: iter(came.broken),
    "active cell": active,
    "row of another width": ragged,
    "not strictly JSON": not_json,
    "forged line of the log": lambda came: iter(outputs.log_problems(came.log)),
    "forged metric": lambda came: iter(outputs.metrics_problems(came.metrics)),
    "forged line of an answer's head": lambda came: iter(outputs.head_problems(came.heads)),
    "topic out of its form": lambda came: iter(outputs.topic_problems(came.topics)),
    "forged header of a message": lambda came: iter(outputs.header_problems(came.headers)),
    "forged name in a package": members,
    "computed by a template": computed,
    "changed on the way": changed,
    "script that ran": lambda came: iter(came.noticed.ran),
    "breach of the content policy": lambda came: iter(came.noticed.breach),
    "markup made by a text": lambda came: iter(came.noticed.markup),
    "word in the console": lambda came: iter(came.noticed.console),
    "other host asked": lambda came: iter(came.noticed.asked),
    "page that went elsewhere": lambda came: iter(came.noticed.left),
    "text not whole on its page": lambda came: iter(came.noticed.unseen),
}


def examine(came: Came) -> list[Finding]:
    return [Finding(name, list(check(came))) for name, check in CHECKS.items()]


def _package(member: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        package.writestr(member, "{}")
    return file.getvalue()


def damaged(came: Came) -> dict[str, Came]:
    """Put into each output what its check looks for; the browser's have pages of their own."""
    forged = json.dumps(dict.fromkeys(outputs.LOG_KEYS, "x") | {"event": "forged"}).encode()
    first = next(iter(came.kept))
    where, events = next(iter(came.told.items()))
    bent = {where: {**events, first: ("another",)}}
    return {
        "neither taken nor refused": replace(came, broken=("plate: 500",)),
        "active cell": replace(came, csv={"control": b"a,b\r\nx;=1+1,y\r\n"}),
        "row of another width": replace(came, csv={"control": b"a,b\r\nx\r\n"}),
        "not strictly JSON": replace(came, bodies=(("control", b'{"a": 1, "a": NaN}'),)),
        "forged line of the log": replace(came, log=(*came.log, forged)),
        "forged metric": replace(came, metrics=b'x{n="1"} 1\ninert_forged{n="1"} 1\n'),
        "forged line of an answer's head": replace(came, heads=(b"HTTP/1.1 200\r\nX-Inert: 1",)),
        "topic out of its form": replace(came, topics=(*came.topics, "anpr/1/a/b/c")),
        "forged header of a message": replace(came, headers=(("key", "a\nb"),)),
        "forged name in a package": replace(came, packages={"control": _package("../a.json")}),
        "computed by a template": replace(
            came, bodies=(*came.bodies, ("control", f'"{MADE_BY_A_TEMPLATE}"'.encode()))
        ),
        "changed on the way": replace(came, told={**came.told, **bent}),
    }


# Where each thing that a browser notices is reported.
OF_PAGES = {
    "ran": "script that ran",
    "breach": "breach of the content policy",
    "markup": "markup made by a text",
    "console": "word in the console",
    "asked": "other host asked",
    "left": "page that went elsewhere",
    "computed": "computed by a template",
    "unseen": "text not whole on its page",
}


def red_checks(came: Came) -> set[str]:
    return {one.check for one in examine(came) if one.problems}


def controls(came: Came, on_pages: Mapping[str, Noticed]) -> dict[str, str]:
    """Damage one output after the other; exactly its check has to turn red."""
    already, said = red_checks(came), dict[str, str]()
    wrong = damaged(came) | {
        f"{OF_PAGES[kind]} in a page": replace(came, noticed=noticed)
        for kind, noticed in on_pages.items()
    }
    for name, one in wrong.items():
        check = name.removesuffix(" in a page")
        turned = red_checks(one) - (already - {check})
        is_right = turned == {check} and not said.get(check, "").startswith("WRONG")
        said[check] = "red" if is_right else f"WRONG: {sorted(turned) or 'green'}"
    return said
