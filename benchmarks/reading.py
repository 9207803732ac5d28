"""How long searches and statistics take over HTTP, at one or more sizes of history, side by side.

Each `--at` is a running API over a database that `manage.py load_history` has filled:

    python benchmarks/reading.py --at 1M=http://127.0.0.1:8000 --token T --at 10M=http://127.0.0.1:8100 --token U

`make bench` (reading_rows.py) asks the same of installations of its own. The sizes take turns, question by question, so that both feel the same machine. What is asked for is
taken from the events that are there; each question comes with other values each time.
"""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

Query = dict[str, str]


@dataclass
class Site:
    """A running API and some of what is in it."""

    name: str
    url: str
    token: str
    plates: list[str] = field(default_factory=list)
    cameras: list[int] = field(default_factory=list)
    newest: str = ""

    def __post_init__(self) -> None:
        self.connection = HTTPConnection(urlsplit(self.url).netloc, timeout=120)

    def answer(self, path: str, query: Query) -> bytes:
        """Return the body of the answer."""
        address = f"/api/v1/events{path}?{urlencode(query)}"
        self.connection.request("GET", address, headers={"Authorization": f"Token {self.token}"})
        response = self.connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise SystemExit(
                f"{self.name}: {address} was answered {response.status}: {body[:300]!r}"
            )
        return body

    def get(self, path: str, query: Query) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.answer(path, query))
        return found

    def look_around(self, chance: random.Random, count: int) -> None:
        """Take plates from moments all over the history, so that most are rare ones."""
        newest = self.get("", {"limit": "1"})["results"]
        assert isinstance(newest, list)  # noqa: S101 - for the type checker
        self.newest = newest[0]["captured_at"]
        end = datetime.fromisoformat(self.newest)
        while len(self.plates) < count:
            before = end - timedelta(days=300) * chance.random()
            query = {"captured_before": before.isoformat(), "limit": "20"}
            events = self.get("", query)["results"]
            assert isinstance(events, list)  # noqa: S101 - for the type checker
            self.plates += [event["plate_normalized"] for event in events]
            self.cameras += [event["camera"] for event in events if event["camera"]]
        chance.shuffle(self.plates)


Ask = Callable[[Site, random.Random], tuple[str, Query]]


def plate(make: Callable[[str], str]) -> Ask:
    return lambda site, chance: ("", {"plate": make(chance.choice(site.plates))})


def similar(site: Site, chance: random.Random) -> tuple[str, Query]:
    return "", {"similar": chance.choice(site.plates)}


def near_miss(site: Site, chance: random.Random) -> tuple[str, Query]:
    """A plate with one character too few."""
    wanted = chance.choice(site.plates)
    place = chance.randrange(len(wanted))
    return "", {"similar": wanted[:place] + wanted[place + 1 :] or wanted}


def page(site: Site, chance: random.Random) -> tuple[str, Query]:
    return "", {}


def camera_page(site: Site, chance: random.Random) -> tuple[str, Query]:
    return "", {"camera": str(chance.choice(site.cameras)), "captured_before": site.newest}


def stats(days: int, latest: int) -> Ask:
    """So many whole days, up to `latest` days before the end of the newest one."""

    def ask(site: Site, chance: random.Random) -> tuple[str, Query]:
        newest_day = datetime.fromisoformat(f"{site.newest[:10]}T00:00:00+00:00")
        end = newest_day + timedelta(days=1 - chance.randint(0, latest))
        start = end - timedelta(days=days)
        return "/stats", {"from": start.isoformat(), "to": end.isoformat()}

    return ask


@dataclass(frozen=True)
class Question:
    """Something to ask, and what its p95 may be: in ms, and between the sizes."""

    row: str
    name: str
    ask: Ask
    goal_ms: float
    most_growth: float


SEARCH, STATISTICS = 1.15, 1.1
QUESTIONS = [
    Question("P3", "newest page", page, 8, SEARCH),
    Question("P3", "exact plate", plate(str), 8, SEARCH),
    Question("P3", "camera + time page", camera_page, 8, SEARCH),
    Question("P3", "look-alikes", similar, 8, SEARCH),
    Question("P3", "prefix, 3 characters", plate(lambda text: f"{text[:3]}*"), 25, SEARCH),
    Question("P3", "prefix, 2 characters", plate(lambda text: f"{text[:2]}*"), 25, SEARCH),
    Question("P3", "wildcard AB?2*", plate(lambda text: f"{text[:2]}?{text[3:4]}*"), 25, SEARCH),
    Question("P3", "infix *12C*", plate(lambda text: f"*{text[2:5]}*"), 25, SEARCH),
    Question("P3", "near miss", near_miss, 30, SEARCH),
    Question("P4", "statistics, a day", stats(1, 30), 15, STATISTICS),
    Question("P4", "statistics, 7 days", stats(7, 30), 15, STATISTICS),
    Question("P4", "statistics, 30 days", stats(30, 5), 15, STATISTICS),
    Question("P4", "statistics, all", stats(365, 0), 15, STATISTICS),
]


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def measure(
    question: Question, sites: list[Site], rounds: int, chance: random.Random
) -> dict[str, list[float]]:
    """Return how long it took until each site's answer was there whole, in ms."""
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for site in sites:
            path, query = question.ask(site, chance)
            started = time.perf_counter()
            site.answer(path, query)
            times[site.name].append(1000 * (time.perf_counter() - started))
    return times


def table(sites: list[Site], rounds: int, chance: random.Random) -> Iterator[tuple[str, ...]]:
    for question in QUESTIONS:
        measured = measure(question, sites, rounds, chance)
        times = [measured[site.name] for site in sites]
        shown = [f"{percentile(t, 0.5):.1f} / {percentile(t, 0.95):.1f}" for t in times]
        growth = percentile(times[-1], 0.95) / percentile(times[0], 0.95)
        yield question.name, *shown, f"{growth:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--at", action="append", required=True, help="name=address; the larger last"
    )
    parser.add_argument(
        "--token", action="append", required=True, help="of a viewer, in the same order"
    )
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)  # noqa: S311 - no secret
    named = [at.partition("=") for at in asked.at]
    sites = [
        Site(name, url, token) for (name, _, url), token in zip(named, asked.token, strict=True)
    ]
    for site in sites:
        site.look_around(chance, 500)
    print(
        "| question |",
        " | ".join(f"{site.name}: p50 / p95, ms" for site in sites),
        "| growth of p95 |",
    )
    print("|---" * (len(sites) + 2) + "|")
    for row in table(sites, asked.rounds, chance):
        print("|", " | ".join(row), "|", flush=True)


if __name__ == "__main__":
    main()
