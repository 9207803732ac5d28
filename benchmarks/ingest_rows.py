"""P1 and P2: events taken one by one with pictures, and a thousand at a time, beside peer and limit."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import psycopg
from findings import Finding
from load import Loaded, Requests, run
from processes import cpu_of
from stacks import INGEST, Machine, Stack

CONNECTIONS = 16
BATCH, BATCH_CONNECTIONS = 1000, 4
COPIED_ROWS = 20_000
ROWS_OUT = "COPY (SELECT * FROM events_plateevent ORDER BY id DESC LIMIT %s) TO STDOUT"


@dataclass
class Samples:
    """Of one program, a value a turn."""

    rate: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    database_cpu_ms: list[float] = field(default_factory=list)
    client_cpu_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)

    def add(self, loaded: Loaded, cpu_s: float, database_cpu_s: float) -> None:
        each = 1000 / loaded.events
        self.rate.append(loaded.rate)
        self.cpu_ms.append(cpu_s * each)
        self.database_cpu_ms.append(database_cpu_s * each)
        self.client_cpu_ms.append(loaded.client_cpu_s * each)
        self.p99_ms.append(statistics.quantiles(loaded.latencies_ms, n=100)[98])

    def __str__(self) -> str:
        middle = {name: statistics.median(values) for name, values in vars(self).items()}
        return ", ".join(f"{name} {value:.3g}" for name, value in middle.items())


def one_turn(on: Machine, stack: Stack, requests: Requests, seconds: float, into: Samples) -> None:
    """Load one program; what it does afterwards because of these events is in its CPU time too."""
    stack.settle()
    stack.clear()
    cpu, database = stack.cpu_s(), cpu_of(on.pids)
    connections = BATCH_CONNECTIONS if requests.batch else CONNECTIONS
    loaded = run(stack.port, requests, connections=connections, seconds=seconds)
    if loaded.refused:
        raise RuntimeError(f"{stack.name} refused {loaded.refused} requests")
    stack.settle()
    into.add(loaded, stack.cpu_s() - cpu, cpu_of(on.pids) - database)


def turns(
    on: Machine,
    stacks: Sequence[Stack],
    *,
    pairs: int,
    seconds: float,
    kind: Callable[[Stack], Requests] = lambda stack: stack.requests,
) -> dict[str, Samples]:
    """Alternate between the programs; a first short turn of each is not counted."""
    samples: dict[str, Samples] = defaultdict(Samples)
    for turn in range(pairs + 1):
        for stack in stacks:
            into = samples[stack.name] if turn else Samples()
            one_turn(on, stack, kind(stack), seconds if turn else 1, into)
    for name, found in samples.items():
        print(f"    {name}: {found}", flush=True)  # noqa: T201 - its output is its purpose
    return samples


def without_pictures(stack: Stack) -> Requests:
    """Batches for ours; the peer has only its form for one event."""
    plain = replace(stack.requests, frame=b"", crop=b"")
    if stack.name != "ours":
        return plain
    return replace(plain, path=f"{INGEST}/batch", is_form=False, batch=BATCH)


def single(on: Machine, stacks: Sequence[Stack], *, pairs: int, seconds: float) -> list[Finding]:
    found = turns(on, stacks, pairs=pairs, seconds=seconds)
    ours, peer, floor = found["ours"], found["peer"], found["floor"]
    rate, work = ours.rate, "ingest, 127 kB frame and crop"
    return [
        Finding("P1", work, "events/s", 2.5, rate, against="peer", other=peer.rate),
        Finding("P1", work, "events/s", 0.55, rate, against="floor", other=floor.rate),
        Finding(
            "P1",
            f"{work}: server CPU",
            "ms/event",
            0.4,
            ours.cpu_ms,
            at_least=False,
            against="peer",
            other=peer.cpu_ms,
        ),
    ]


def copy_rate(address: str) -> float:
    """Return rows a second of COPY into a table with the columns and indexes of ours."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS copied")
        connection.execute("CREATE TABLE copied (LIKE events_plateevent INCLUDING ALL)")
        with connection.cursor() as cursor:
            with cursor.copy(ROWS_OUT, [COPIED_ROWS]) as out:
                data = b"".join(bytes(part) for part in out)
            begun = time.perf_counter()
            with cursor.copy("COPY copied FROM STDIN") as into:
                into.write(data)
            return cursor.rowcount / (time.perf_counter() - begun)


def batches(on: Machine, stacks: Sequence[Stack], *, pairs: int, seconds: float) -> list[Finding]:
    found = turns(on, stacks, pairs=pairs, seconds=seconds, kind=without_pictures)
    copied = [copy_rate(on.address("ours")) for _ in range(pairs)]
    rate, work = found["ours"].rate, f"without pictures, ours in batches of {BATCH:,}"
    return [
        Finding("P2", work, "events/s", 12, rate, against="peer", other=found["peer"].rate),
        Finding("P2", work, "events/s", 0.25, rate, against="COPY", other=copied),
    ]
