"""How long searches and statistics take over HTTP, at one or more sizes of history, side by side.

Each `--at` is a running API over a database that `manage.py load_history` has filled:

    python benchmarks/reading.py --token T --at 1M=http://127.0.0.1:8000 --at 10M=http://127.0.0.1:8100

The sizes take turns, question by question, so that both feel the same machine. What is asked for is
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
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

Query = dict[str, str]
DAY = 86_400


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

    def get(self, path: str, query: Query) -> dict[str, object]:
        address = f"/api/v1/events{path}?{urlencode(query)}"
        self.connection.request("GET", address, headers={"Authorization": f"Token {self.token}"})
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{self.name}: {address} was answered {answer.status}: {body[:300]!r}")
        found: dict[str, object] = json.loads(body)
        return found

    def look_around(self, chance: random.Random, count: int) -> None:
        """Take plates from moments all over the history, so that most are rare ones."""
        newest = self.get("", {"limit": "1"})["results"]
        assert isinstance(newest, list)  # noqa: S101 - for the type checker
        self.newest = newest[0]["captured_at"]
        end = time.mktime(time.strptime(self.newest[:19], "%Y-%m-%dT%H:%M:%S"))
        while len(self.plates) < count:
            moment = end - chance.random() * 300 * DAY
            before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.localtime(moment))
            events = self.get("", {"captured_before": before, "limit": "20"})["results"]
            assert isinstance(events, list)  # noqa: S101 - for the type checker
            self.plates += [event["plate_normalized"] for event in events]
            self.cameras += [event["camera"] for event in events if event["camera"]]
        chance.shuffle(self.plates)


Question = Callable[[Site, random.Random], tuple[str, Query]]


def plate(make: Callable[[str], str]) -> Question:
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


def stats(days: int) -> Question:
    def ask(site: Site, chance: random.Random) -> tuple[str, Query]:
        midnight = f"{site.newest[:10]}T00:00:00Z"
        start = time.mktime(time.strptime(midnight, "%Y-%m-%dT%H:%M:%SZ")) - days * DAY
        since = time.strftime("%Y-%m-%dT00:00:00Z", time.localtime(start))
        return "/stats", {"from": since, "to": midnight}

    return ask


QUESTIONS: dict[str, Question] = {
    "newest page": page,
    "exact plate": plate(str),
    "camera + time page": camera_page,
    "prefix, 3 characters": plate(lambda text: f"{text[:3]}*"),
    "prefix, 2 characters": plate(lambda text: f"{text[:2]}*"),
    "wildcard AB?2*": plate(lambda text: f"{text[:2]}?{text[3:4]}*"),
    "infix *12C*": plate(lambda text: f"*{text[2:5]}*"),
    "look-alikes": similar,
    "near miss": near_miss,
    "statistics, a day": stats(1),
    "statistics, 30 days": stats(30),
    "statistics, a year": stats(365),
}


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def measure(sites: list[Site], rounds: int, chance: random.Random) -> Iterator[tuple[str, ...]]:
    for name, ask in QUESTIONS.items():
        times: dict[str, list[float]] = defaultdict(list)
        for _ in range(rounds):
            for site in sites:
                path, query = ask(site, chance)
                started = time.perf_counter()
                site.get(path, query)
                times[site.name].append(1000 * (time.perf_counter() - started))
        shown = [
            f"{percentile(times[site.name], 0.5):.1f} / {percentile(times[site.name], 0.95):.1f}"
            for site in sites
        ]
        first, last = (percentile(times[site.name], 0.95) for site in (sites[0], sites[-1]))
        yield name, *shown, f"{last / first:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--at", action="append", required=True, help="name=address; the larger last"
    )
    parser.add_argument("--token", required=True, help="of a viewer, the same at each")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)  # noqa: S311 - no secret
    named = [at.partition("=") for at in asked.at]
    sites = [Site(name, url, asked.token) for name, _, url in named]
    for site in sites:
        site.look_around(chance, 500)
    print(
        "| question |",
        " | ".join(f"{site.name}: p50 / p95, ms" for site in sites),
        "| growth of p95 |",
    )
    print("|---" * (len(sites) + 2) + "|")
    for row in measure(sites, asked.rounds, chance):
        print("|", " | ".join(row), "|", flush=True)


if __name__ == "__main__":
    main()
