"""Sinks that are dead or slow beside sinks that are well: the others must not notice."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from delivering import receiver
from reading import percentile

from ledger.arrivals import WebhookWitness
from ledger.checks import Finding, red
from ledger.edge import BATCH, post
from ledger.installation import (
    Installation,
    cameras_and_keys,
    chance_for,
    installation,
    set_up_django,
)
from ledger.poison import event
from ledger.report import tell_findings

WELL, ANSWER_MS = 8, 14_000
TICK_S = 0.1
# The circuit's pauses: five seconds at first, doubled up to five minutes; a little for the clock.
FIRST_PAUSE_S, LONGEST_PAUSE_S, SLACK_S = 5.0, 300.0, 0.5
# Promised is 10 %, which cannot be told apart on a machine that others use.
MOST_LATER, SLACK_MS = 2.0, 100.0
SETTLING_S = 60


@dataclass(frozen=True)
class Turn:
    """What the sinks that are well got."""

    sent: set[str]
    # How often each event came, and how late each message was.
    came: Counter[str]
    late_ms: list[float]

    @property
    def p99_ms(self) -> float:
        return percentile(sorted(self.late_ms), 0.99)


@dataclass(frozen=True)
class Dead:
    """What the product tried with the sink that never answers, once its circuit was open."""

    # When each probe began, and how often any delivery was charged for one.
    probes: list[float]
    attempts: list[int]


def missed(quiet: Turn, troubled: Turn, dead: Dead) -> Iterator[str]:
    for turn in (quiet, troubled):
        yield from (pk for pk in turn.sent if turn.came[pk] != WELL)


def later(quiet: Turn, troubled: Turn, dead: Dead) -> Iterator[str]:
    if troubled.p99_ms > MOST_LATER * quiet.p99_ms + SLACK_MS:
        yield f"p99 {troubled.p99_ms:.0f} ms, {quiet.p99_ms:.0f} ms without"


def probed(quiet: Turn, troubled: Turn, dead: Dead) -> Iterator[str]:
    for number, (before, after) in enumerate(pairwise(dead.probes)):
        pause = min(FIRST_PAUSE_S * 2**number, LONGEST_PAUSE_S)
        if after - before < pause - SLACK_S:
            yield f"probe {number + 2} after {after - before:.1f} s"
    if len(dead.probes) < 2:
        yield "the circuit did not open in time to be judged"


def burnt(quiet: Turn, troubled: Turn, dead: Dead) -> Iterator[str]:
    """A message may fail once before the circuit opens, and once more while it does."""
    yield from (f"{count} attempts" for count in dead.attempts if count > 2)


CHECKS = {
    "missing or doubled at a sink that is well": missed,
    "later because of the dead sink": later,
    "probed more often than documented": probed,
    "attempts burnt while the sink is away": burnt,
}


def examine(quiet: Turn, troubled: Turn, dead: Dead) -> list[Finding]:
    return [Finding(name, list(check(quiet, troubled, dead))) for name, check in CHECKS.items()]


def controls(quiet: Turn, troubled: Turn, dead: Dead) -> dict[str, str]:
    one = min(troubled.sent)
    lost = replace(troubled, came=troubled.came - Counter([one]))
    slow = replace(troubled, late_ms=[ms * MOST_LATER + 1000 for ms in troubled.late_ms])
    damaged = {
        "missing or doubled at a sink that is well": (quiet, lost, dead),
        "later because of the dead sink": (quiet, slow, dead),
        "probed more often than documented": (
            quiet,
            troubled,
            replace(dead, probes=[0.0, 1.0, *dead.probes]),
        ),
        "attempts burnt while the sink is away": (quiet, troubled, replace(dead, attempts=[3])),
    }
    before, said = red(examine(quiet, troubled, dead)), {}
    for name, broken in damaged.items():
        turned = red(examine(*broken)) - before
        said[name] = "red" if turned == {name} else f"WRONG: {', '.join(sorted(turned)) or 'green'}"
    return said


def send(made: Installation, key: str, rate: float, seconds: float, seed: str) -> dict[str, float]:
    """Send at a steady pace; return when each was acknowledged."""
    headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
    chance, acked, begun = chance_for(0, seed), dict[str, float](), time.monotonic()
    for number in range(int(seconds / TICK_S)):
        time.sleep(max(0.0, begun + number * TICK_S - time.monotonic()))
        events = [event(chance, f"AB{number}") for _ in range(max(1, round(rate * TICK_S)))]
        status, body = post(made.server.port, BATCH, json.dumps(events).encode(), headers)
        if status != 200:
            raise RuntimeError(f"{status} {body[:300]!r}")
        acked |= {one["event_id"]: time.monotonic() for one in events}
    return acked


def take_turn(
    made: Installation, key: str, log: Path, options: argparse.Namespace, name: str
) -> Turn:
    acked = send(made, key, options.rate, options.seconds, f"{options.seed} {name}")
    deadline, witness = time.monotonic() + SETTLING_S, WebhookWitness(log)
    while True:
        arrivals = [one for one in witness.arrivals() if one.event_id in acked]
        if len(arrivals) >= WELL * len(acked) or time.monotonic() > deadline:
            break
        time.sleep(1)
    late = [1000 * (one.at - acked[one.event_id]) for one in arrivals]
    return Turn(set(acked), Counter(one.event_id for one in arrivals), late)


def what_the_dead_saw(name: str) -> Dead:
    """The attempts that began after the circuit had opened; before that there are sixteen at once."""
    from exporters.models import Delivery, DeliveryAttempt

    tries = DeliveryAttempt.objects.filter(delivery__exporter__name=name)
    began = [
        at.timestamp() for at in tries.order_by("started_at").values_list("started_at", flat=True)
    ]
    near = FIRST_PAUSE_S - SLACK_S
    alone = [at for at in began if sum(abs(other - at) < near for other in began) == 1]
    counts = Delivery.objects.filter(exporter__name=name).values_list("attempts", flat=True)
    return Dead(alone, list(counts))


def dead_sinks(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    """Eight sinks that are well: alone, then beside one that never answers and one that takes 14 s."""
    made = stack.enter_context(installation(folder, picture_mb=64))
    token = made.login()
    key = cameras_and_keys(made.server, token, 1)[0]["key"]
    log = folder / "webhook.log"
    log.touch()

    def make(name: str, url: str) -> None:
        fields = {"name": name, "exporter_type": "webhook", "config": {"url": url}}
        made.server.json("POST", "/api/v1/exporters", fields, Authorization=f"Token {token}")

    url = stack.enter_context(receiver("--log", str(log)))
    for number in range(WELL):
        make(f"well {number}", url)
    time.sleep(2)  # until each has its lane
    quiet = take_turn(made, key, log, options, "quiet")
    make("black hole", stack.enter_context(receiver("--black-hole")))
    make("slow", stack.enter_context(receiver("--delay-ms", str(ANSWER_MS))))
    troubled = take_turn(made, key, log, options, "troubled")
    set_up_django(made)
    dead = what_the_dead_saw("black hole")
    for name, turn in (("alone", quiet), ("beside the dead", troubled)):
        print(f"{name}: {len(turn.sent)} events to {WELL} sinks, p99 {turn.p99_ms:.0f} ms")
    print(f"black hole: {len(dead.probes)} probes, {Counter(dead.attempts)} deliveries by attempts")
    return tell_findings(examine(quiet, troubled, dead), controls(quiet, troubled, dead))
