"""Drives exporters through days of retries in frozen time, and judges what their sink heard."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from django.utils import timezone
from time_machine import Traveller

from exporters.lanes import Lanes
from exporters.models import Delivery, ExporterConfig
from exporters.payload import message_id
from exporters.retry import STANDARD_S

JITTER = 0.2
# How late an attempt may be: the clock is moved a little further than to when it is due.
SLACK_S = 0.01
LONGEST_TURN_S = 30
RETRY_AFTER_S = 600
GIVEN_UP_S = 120 * 3600
# How often each exporter's sink is asked for a message before the end, by what it answers.
ATTEMPTS = {"refused": 10, "moved": 10, "late": 7, "busy": 3, "busy until": 3, "gone": 1}


@dataclass(frozen=True)
class Heard:
    """A request as the sink got it; `to` is the last part of its path."""

    at: float
    to: str
    message_id: str


@dataclass(frozen=True)
class Story:
    """What is judged: first the days of retries, then what was sent again."""

    heard: list[Heard]
    # By exporter and message.
    states: dict[tuple[str, str], str]
    heard_again: list[Heard]
    states_again: dict[tuple[str, str], str]
    gone_is_enabled: bool
    hopeless_is_enabled: bool


def times(heard: list[Heard]) -> dict[tuple[str, str], list[float]]:
    found: dict[tuple[str, str], list[float]] = {}
    for one in heard:
        found.setdefault((one.to, one.message_id), []).append(one.at)
    return found


def off_schedule(story: Story) -> bool:
    for (to, _), at in times(story.heard).items():
        if to not in {"refused", "moved", "late"}:
            continue
        for wait, delay in zip(_waits(at), STANDARD_S, strict=False):
            if not delay * (1 - JITTER) <= wait <= delay * (1 + JITTER) + SLACK_S:
                return True
    return False


def _waits(at: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(at)]


def other_number(story: Story) -> bool:
    """Whether a sink was asked more or less often; how often one that is away is, depends."""
    return any(
        len(at) != ATTEMPTS[to] for (to, _), at in times(story.heard).items() if to in ATTEMPTS
    )


def too_early(story: Story) -> bool:
    """A sink that asked for time was asked again, for any message, before it was over."""
    for name in ("busy", "busy until"):
        at = sorted({one.at for one in story.heard if one.to == name})
        if any(wait < RETRY_AFTER_S for wait in _waits(at)):
            return True
    return False


def followed(story: Story) -> bool:
    return any(one.to == "canary" for one in story.heard + story.heard_again)


def not_disabled(story: Story) -> bool:
    return story.gone_is_enabled or sum(one.to == "gone" for one in story.heard) != 1


def not_given_up(story: Story) -> bool:
    """All attempts failed for five days: not one more than tells that."""
    at = [one.at for one in story.heard if one.to == "hopeless"]
    late = [moment for moment in at if moment - at[0] >= GIVEN_UP_S]
    return story.hopeless_is_enabled or len(late) != 1


def wrongly_dead(story: Story) -> bool:
    """Dead is what was given up, and only that."""
    expected = {"refused": "dead", "moved": "dead", "away": "dead", "gone": "pending"}
    expected["hopeless"] = "pending"
    return any(
        state != expected.get(name, "delivered") for (name, _), state in story.states.items()
    )


def not_sent_again(story: Story) -> bool:
    """What was dead, or waited, arrives once more under its id, and all of it is delivered."""
    due = {key for key, state in story.states.items() if state != "delivered"}
    again = times(story.heard_again)
    return again.keys() != due or set(story.states_again.values()) != {"delivered"}


CHECKS: dict[str, Callable[[Story], bool]] = {
    "off its schedule": off_schedule,
    "another number of attempts": other_number,
    "before Retry-After": too_early,
    "redirect followed": followed,
    "410 did not disable": not_disabled,
    "five days of failures did not disable": not_given_up,
    "wrongly dead or alive": wrongly_dead,
    "not sent again": not_sent_again,
}


def judge(story: Story) -> set[str]:
    return {name for name, is_broken in CHECKS.items() if is_broken(story)}


def states() -> dict[tuple[str, str], str]:
    rows = Delivery.objects.select_related("exporter", "event")
    return {
        (row.exporter.name, message_id(row.event.event_id, row.event.sensor_id)): row.state
        for row in rows
    }


def _next_due() -> datetime | None:
    """When there is something to do; None when nothing waits. Now: something is under way."""
    moments = []
    for exporter in ExporterConfig.objects.filter(enabled=True):
        waiting = Delivery.objects.filter(exporter=exporter, state="pending")
        first = waiting.order_by("next_attempt_at").first()
        if first is None:
            continue
        if waiting.filter(leased_until__gt=timezone.now()).exists():
            return timezone.now()
        pause = exporter.paused_until or datetime.min.replace(tzinfo=UTC)
        moments.append(max(first.next_attempt_at, pause))
    return min(moments, default=None)


def run_until_settled(lanes: Lanes, clock: Traveller) -> int:
    """Let everything happen at its time until nothing waits any more; return in how many steps."""
    steps = 0
    while True:
        begun = time.perf_counter()
        lanes.tend()
        lanes.wake()
        # The real clock: the frozen one never ends a wait.
        while (due := _next_due()) is not None and due <= timezone.now():
            if time.perf_counter() - begun > LONGEST_TURN_S:
                raise TimeoutError(f"{due} has come, and nothing happens")
            time.sleep(0.002)
        if due is None:
            return steps
        clock.move_to(due + timedelta(milliseconds=1))
        steps += 1
