"""The whole schedule of retries, 75 hours and more, to one sink that answers in every way."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from email.utils import formatdate

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from exporters import lane, lanes
from exporters.lanes import Lanes
from exporters.models import ExporterConfig
from exporters.retry import STANDARD_S
from exporters.state import enable
from exporters.tests.factories import address, make_exporter
from exporters.tests.long_run import (
    CHECKS,
    RETRY_AFTER_S,
    Heard,
    Story,
    judge,
    run_until_settled,
    states,
)
from exporters.tests.sinks import OK, Reply, Request, Sink, status
from exporters.tests.test_lanes import send

EVENTS = 3


class Answers:
    """Answers as the path says, until everything is well."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.is_well = False
        self.asked: Counter[tuple[str, str]] = Counter()

    def __call__(self, request: Request) -> Reply:
        path = request.line.split()[1]
        to, message_id = path.rpartition("/")[2].replace("-", " "), request.headers["webhook-id"]
        self.heard.append(Heard(time.time(), to, message_id))
        self.asked[to, message_id] += 1
        number = self.asked[to, message_id]
        if self.is_well:
            return OK
        match to:
            case "refused" | "hopeless":
                return status(400)
            case "moved":
                return status(302, "Location: canary")
            case "late":
                return status(400) if number < 7 else OK
            case "busy":
                return status(429, f"Retry-After: {RETRY_AFTER_S}") if number < 3 else OK
            case "busy until":
                date = formatdate(time.time() + RETRY_AFTER_S + 1, usegmt=True)
                return status(503, f"Retry-After: {date}") if number < 3 else OK
            case "away":
                return status(500)
        return status(410)


NAMES = ("refused", "moved", "late", "busy", "busy until", "gone", "away", "hopeless")
# The circuit of a sink that is away asks every minute: for its short schedule, not 75 h.
# What is hopeless is asked for longer than the schedule, so that it is not given up before.
RETRY = {"away": {"max_attempts": 4}, "hopeless": {"max_attempts": 20}}


def live_through(sink: Sink, answers: Answers, api: APIClient) -> Story:
    """All retries in their time; then the sink is mended, and what is left is sent again."""
    exporters = {}
    for name in NAMES:
        # One at a time for those that end or pause everything with their first answer.
        url = f"{sink.url}/{name.replace(' ', '-')}"
        retry = RETRY.get(name, {})
        exporters[name] = make_exporter(
            name=name, config={"url": url}, retry=retry, ordered=name in {"gone", "busy until"}
        )
    begun, running = timezone.now(), Lanes()
    with time_machine.travel(begun, tick=False) as clock:
        send(EVENTS)
        try:
            run_until_settled(running, clock)
            assert timezone.now() - begun > timedelta(seconds=sum(STANDARD_S) * 0.8)
            heard, found = list(answers.heard), states()
            enabled = dict(ExporterConfig.objects.values_list("name", "enabled"))
            answers.is_well = True
            enable(exporters["gone"])
            enable(exporters["hopeless"])
            for exporter in exporters.values():
                wanted = {"from": begun.isoformat(), "state": "dead"}
                assert api.post(address(exporter, "redeliver"), wanted).status_code == 202
            run_until_settled(running, clock)
        finally:
            running.stop(10)
    return Story(
        heard, found, answers.heard[len(heard) :], states(), enabled["gone"], enabled["hopeless"]
    )


def damaged(story: Story) -> dict[str, Story]:
    """For each check, the story with that one promise broken."""
    first = next(one for one in story.heard if one.to == "refused")
    late = replace(first, at=first.at - 10)
    busy = next(one for one in story.heard if one.to == "busy")
    dead = next(key for key, state in story.states.items() if key[0] == "away")
    others = [one for one in story.heard if one != first]
    again = [replace(story.heard_again[0], message_id="evt_other"), *story.heard_again[1:]]
    return {
        "off its schedule": replace(story, heard=[late, *others]),
        "another number of attempts": replace(
            story, heard=[one for one in story.heard if one != _last(story, "moved")]
        ),
        "before Retry-After": replace(
            story,
            heard=[replace(one, at=one.at + 1) if one == busy else one for one in story.heard],
        ),
        "redirect followed": replace(story, heard=[*story.heard, replace(first, to="canary")]),
        "410 did not disable": replace(story, gone_is_enabled=True),
        "five days of failures did not disable": replace(story, hopeless_is_enabled=True),
        "wrongly dead or alive": replace(
            story,
            states=story.states | {dead: "delivered"},
            heard_again=[one for one in story.heard_again if (one.to, one.message_id) != dead],
        ),
        "not sent again": replace(story, heard_again=again),
    }


def _last(story: Story, to: str) -> Heard:
    return [one for one in story.heard if one.to == to][-1]


@pytest.mark.django_db(transaction=True)
def test_three_days_of_retries_go_as_written(
    api: APIClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EXPORT_ALLOW_NETWORKS = ["127.0.0.0/8"]
    monkeypatch.setattr(lanes, "TEND_S", 0.0)
    monkeypatch.setattr(lane, "LOOK_S", 0.05)
    answers = Answers()
    with Sink(answers) as sink:
        story = live_through(sink, answers, api)
    assert judge(story) == set()
    controls = damaged(story)
    assert controls.keys() == CHECKS.keys()
    for check, broken in controls.items():
        assert judge(broken) == {check}
