"""Signing secrets that change while messages are sent: the sink verifies each with the library."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import base64
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import product  # noqa: F401 - from here on the product can be imported
from standardwebhooks import Webhook, WebhookVerificationError

from exporters.tests.sinks import OK, Reply, Request, Sink, status
from ledger.attack import wait_until_drained
from ledger.installation import (
    Installation,
    cameras_and_keys,
    chance_for,
    installation,
    set_up_django,
)
from ledger.judging import controls, examine
from ledger.poison import Sending, event
from ledger.report import tell_findings
from ledger.rotate_checks import CHECKS, TAKEN, Came, Rotated, damaged

# The exporter signs with both secrets while the sink changes over; or signs with one, and the sink
# takes both meanwhile.
SIGNS_TWICE, TAKES_BOTH = "signs twice", "takes both"
# What fails is sent again seconds later, under another secret often enough.
RETRY = {"max_attempts": 100, "base_delay_s": 2, "max_delay_s": 6, "timeout_s": 5}
DRAIN_S = 120
ID, AT, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


def forgeries(request: Request) -> Iterator[tuple[str, bytes, dict[str, str]]]:
    """Yield the message with one thing changed in each."""
    body, headers = request.body, request.headers
    at = headers[AT]
    signatures = [f"v1,{'B' if s[3] == 'A' else 'A'}{s[4:]}" for s in headers[SIGNATURE].split()]
    yield "body", body.replace(b'"plate":"AB', b'"plate":"BA'), headers
    yield "id", body, headers | {ID: headers[ID] + "1"}
    yield "time", body, headers | {AT: str(int(at) + 1)}
    yield "signature", body, headers | {SIGNATURE: " ".join(signatures)}
    yield "version", body, headers | {SIGNATURE: headers[SIGNATURE].replace("v1,", "v1a,")}


class VerifyingSink:
    """Takes what is signed by a secret that it accepts at that moment; some of it fails."""

    def __init__(self, chance: random.Random, faults: float) -> None:
        self._chance, self._faults = chance, faults
        self.secrets: list[str] = []
        self.accepts = frozenset[int]()
        self.came: list[Came] = []

    def new_secret(self) -> str:
        self.secrets.append("whsec_" + base64.b64encode(self._chance.randbytes(32)).decode())
        return self.secrets[-1]

    def _signers(self, body: bytes, headers: dict[str, str]) -> frozenset[int]:
        found = set[int]()
        for number, secret in enumerate(list(self.secrets)):
            try:
                Webhook(secret).verify(body, headers, json_parse=False)
            except WebhookVerificationError:
                continue
            found.add(number)
        return frozenset(found)

    def __call__(self, request: Request) -> Reply:
        at, accepts = time.monotonic(), self.accepts
        signed_by = self._signers(request.body, request.headers)
        passed = [
            name
            for name, body, headers in forgeries(request)
            if self._signers(body, headers) & accepts
        ]
        code = 500 if self._chance.random() < self._faults else TAKEN
        code = code if signed_by & accepts else 401
        message_id = request.headers[ID]
        event_id = str(UUID(message_id.split("_")[1]))
        came = Came(at, event_id, message_id, signed_by, accepts, code, tuple(passed))
        self.came.append(came)
        return OK if code == TAKEN else status(code)


class Exporter:
    """An exporter of the product to a sink that goes along with each change of its secret."""

    def __init__(
        self, made: Installation, token: str, name: str, sink: VerifyingSink, url: str
    ) -> None:
        self.server, self.name, self.sink = made.server, name, sink
        self.headers = {"Authorization": f"Token {token}"}
        # When each secret but the first was set; from when on nothing may be signed with one.
        self.changed: list[float] = []
        self.withdrawn: dict[int, float] = {}
        auth = {"type": "signature", "secret": sink.new_secret()}
        sink.accepts = frozenset({0})
        fields = {"name": name, "exporter_type": "webhook", "config": {"url": url}}
        fields |= {"retry": RETRY, "auth": auth}
        made_one = self.server.json("POST", "/api/v1/exporters", fields, **self.headers)
        self.path = f"/api/v1/exporters/{made_one['id']}"

    def sign_with(self, **secrets: str) -> None:
        auth = {"type": "signature"} | secrets
        self.server.json("PATCH", self.path, {"auth": auth}, **self.headers)

    def longest_lag_s(self) -> float:
        """For how long after a change messages still came without the new signature."""
        return max(
            one.at - at
            for number, at in enumerate(self.changed, 1)
            for one in self.sink.came
            if max(one.signed_by, default=0) < number
        )


def change(twice: Exporter, both: Exporter, wait_s: float) -> None:
    """Change the secrets as a careful operator does: each step waits for the one before."""
    old, new = len(twice.sink.secrets) - 1, len(twice.sink.secrets)
    previous, fresh = twice.sink.secrets[old], twice.sink.new_secret()
    twice.sign_with(secret=fresh, previous_secret=previous)
    twice.changed.append(time.monotonic())
    other = both.sink.new_secret()
    both.sink.accepts = frozenset({old, new})
    both.sign_with(secret=other)
    both.changed.append(time.monotonic())
    time.sleep(wait_s)
    for exporter in (twice, both):
        exporter.sink.accepts = frozenset({new})
    both.withdrawn[old] = time.monotonic()
    twice.sign_with(secret=fresh)
    twice.withdrawn[old] = time.monotonic() + wait_s
    time.sleep(wait_s)


def rotate(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    """Change the secrets again and again while events come in."""
    made = stack.enter_context(installation(folder, picture_mb=64))
    token = made.login()
    key = cameras_and_keys(made.server, token, 1)[0]["key"]
    exporters = []
    for name in (SIGNS_TWICE, TAKES_BOTH):
        sink = VerifyingSink(chance_for(options.seed, name), options.faults)
        url = stack.enter_context(Sink(sink)).url
        exporters.append(Exporter(made, token, name, sink, url))
    twice, both = exporters
    chance = chance_for(options.seed, "rotate")
    count = int(options.rate * 2 * options.wait * options.changes)
    sending = Sending(made.server.port, key)
    events = [event(chance, f"AB{number}") for number in range(count)]
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(sending.evenly, events, options.rate)
        for _ in range(options.changes):
            change(twice, both, options.wait)
        sent.result()
    set_up_django(made)
    is_drained = wait_until_drained(DRAIN_S)
    seen = Rotated(
        sent=set(sending.acked),
        came={exporter.name: exporter.sink.came for exporter in exporters},
        withdrawn={exporter.name: exporter.withdrawn for exporter in exporters},
    )
    print(f"{count} events, {options.changes} changes; {'' if is_drained else 'NOT '}drained")
    for exporter in exporters:
        heard = Counter(one.status for one in exporter.sink.came)
        signatures = Counter(len(one.signed_by) for one in exporter.sink.came)
        print(f"{exporter.name}: {dict(heard)}, by signatures {dict(signatures)}; ", end="")
        print(f"without the new one until {exporter.longest_lag_s():.2f} s after a change")
    return tell_findings(examine(CHECKS, seen), controls(CHECKS, seen, damaged(seen)))
