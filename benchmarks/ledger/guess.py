"""A thousand wrong passwords from a hundred addresses, and for a hundred names: five are judged."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

from product import PASSWORD

from ledger.guess_checks import CHECKS, Guesses, Heard, Pair, damaged
from ledger.installation import Installation, installation, set_up_django
from ledger.judging import controls, examine
from ledger.report import tell_findings

TOKEN, PAGE = "/api/v1/auth/token", "/login"
VICTIM, OTHER = "victim", "other"
THREADS, AT_ONCE = 8, 10
CROWD_AT = "198.51.100.9"


class Doors:
    """Where one signs in, as seen from any address: the proxy in front of it is believed."""

    def __init__(self, port: int) -> None:
        self.port = port

    def _post(self, address: str, path: str, body: str, headers: dict[str, str]) -> Heard:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("POST", path, body, headers | {"X-Forwarded-For": address})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return Heard(answer.status, answer.headers["Retry-After"])

    def token(self, name: str, address: str, password: str) -> Heard:
        body = json.dumps({"username": name, "password": password})
        return self._post(address, TOKEN, body, {"Content-Type": "application/json"})

    def page(self, name: str, address: str, password: str) -> Heard:
        """Fill in the form as a browser does."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("GET", PAGE)
        answer = connection.getresponse()
        content, cookie = answer.read().decode(), answer.headers["Set-Cookie"].partition(";")[0]
        connection.close()
        secret = content.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
        form = {"username": name, "password": password, "csrfmiddlewaretoken": secret}
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        return self._post(address, PAGE, urlencode(form), headers)


def make_people() -> None:
    from django.contrib.auth.models import User

    for name in (VICTIM, OTHER):
        User.objects.create_user(name, password=PASSWORD)


def guess_all(doors: Doors, pairs: list[Pair], tries: int) -> dict[Pair, list[Heard]]:
    """Guess for each pair of name and address, one try after the other; the pairs side by side."""

    def guess(pair: Pair) -> list[Heard]:
        return [doors.token(*pair, f"wrong {number}") for number in range(tries)]

    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(pairs, pool.map(guess, pairs), strict=True))


def guess_at_once(doors: Doors, pair: Pair) -> list[Heard]:
    """Guess as often in one moment, so that none is counted before the others are judged."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda n: doors.token(*pair, f"wrong {n}"), range(AT_ONCE)))


def attempts() -> int:
    from axes.models import AccessAttempt

    return int(AccessAttempt.objects.count())


def guess(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    """One name from many addresses, many names from one, and tries at the same moment."""
    proxy = {"PROXY_NETWORKS": "127.0.0.1/32"}
    made: Installation = stack.enter_context(installation(folder, picture_mb=32, also=proxy))
    set_up_django(made)
    make_people()
    doors = Doors(made.server.port)
    addresses = [f"203.0.113.{number}" for number in range(1, options.pairs + 1)]
    from_many = guess_all(doors, [(VICTIM, address) for address in addresses], options.tries)
    names = [f"nobody {number}" for number in range(options.pairs)]
    for_many = guess_all(doors, [(name, CROWD_AT) for name in names], options.tries)
    at_once = [guess_at_once(doors, (VICTIM, f"192.0.2.{n}")) for n in range(1, 1 + options.rounds)]
    guesses = Guesses(
        pairs=from_many | for_many,
        at_once=at_once,
        right_while_locked=[doors.token(VICTIM, each, PASSWORD) for each in addresses[:10]],
        right_at_page=[doors.page(VICTIM, each, PASSWORD) for each in addresses[:10]],
        name_elsewhere=doors.token(VICTIM, "198.51.100.77", PASSWORD),
        others_there=doors.token(OTHER, CROWD_AT, PASSWORD),
        attempts=attempts(),
    )
    heard = Counter(str(one.status) for tries in guesses.pairs.values() for one in tries)
    together = Counter(str(one.status) for tries in at_once for one in tries)
    print(f"{len(guesses.pairs)} names and addresses, {options.tries} tries each: {dict(heard)}")
    print(f"{options.rounds} times {AT_ONCE} tries at the same moment: {dict(together)}")
    print(f"{guesses.attempts} rows are kept of them")
    return tell_findings(examine(CHECKS, guesses), controls(CHECKS, guesses, damaged(guesses)))
