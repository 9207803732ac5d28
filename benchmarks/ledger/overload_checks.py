"""What must be true when more came in than can be done, and that each check would see it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from reading import percentile

from ledger.crowd import Told

STORED, SHED = {200, 201}, {429, 503}
RETRY_AFTER_S = range(2, 11)


@dataclass(frozen=True)
class Story:
    """What came of it."""

    # Of each turn, as a share of the peaks around it.
    goodputs: list[float]
    told: list[Told]
    probes: list[float]
    stored: list[str]
    grown_mb: dict[str, float]
    normal_after_s: float


def p99_s(told: list[Told]) -> float:
    return percentile([one.took_s for one in told if one.status in STORED] or [0.0], 0.99)


Judge = Callable[[Story], list[str]]


def checks(options: Any) -> dict[str, Judge]:
    def unexpected(story: Story) -> list[str]:
        statuses = Counter(one.status for one in story.told) - Counter({0: len(story.told)})
        return [f"{n} times {s}" for s, n in statuses.items() if s not in STORED | SHED]

    def no_time(story: Story) -> list[str]:
        fair = {str(seconds) for seconds in RETRY_AFTER_S}
        shed = [one for one in story.told if one.status in SHED]
        return [f"Retry-After {o.retry_after!r}" for o in shed if o.retry_after not in fair]

    def unanswered(story: Story) -> list[str]:
        return [f"after {one.took_s:.1f} s" for one in story.told if not one.status]

    def missing(story: Story) -> list[str]:
        stored = set(story.stored)
        acknowledged = [one.event_id for one in story.told if one.status in STORED]
        return [event_id for event_id in acknowledged if event_id not in stored]

    def doubled(story: Story) -> list[str]:
        return [event_id for event_id, n in Counter(story.stored).items() if n > 1]

    def over(what: str, value: float, most: float) -> list[str]:
        return [f"{what}: {value:.2f}, at most {most:g}"] if value > most else []

    return {
        "nothing turned away": lambda story: (
            [] if any(one.status in SHED for one in story.told) else ["it was no overload"]
        ),
        "answer of another kind": unexpected,
        "turned away without a fair time": no_time,
        "closed without an answer": unanswered,
        "goodput too low": lambda story: over(
            "peak / goodput", 1 / max(median(story.goodputs), 0.01), 1 / options.goodput
        ),
        "acknowledged but missing": missing,
        "stored twice": doubled,
        "/liveness late": lambda story: over("seconds", max(story.probes), options.late),
        "accepted late": lambda story: over("p99, s", p99_s(story.told), options.p99),
        "not back to normal": lambda story: over("s", story.normal_after_s, options.normal),
        "memory grows": lambda story: [
            problem
            for name, mb in story.grown_mb.items()
            for problem in over(name, mb, options.growth_mb)
        ],
    }


def changed(story: Story, status: int, to: dict[str, Any]) -> list[Told]:
    """The answers, one with that status altered."""
    place = next(n for n, one in enumerate(story.told) if one.status == status)
    return [*story.told[:place], replace(story.told[place], **to), *story.told[place + 1 :]]


def controls(story: Story, options: Any) -> dict[str, str]:
    """Damage one thing after the other; exactly its check has to see it."""
    accepted = next(one.event_id for one in story.told if one.status in STORED)
    damaged = {
        "nothing turned away": replace(story, told=[o for o in story.told if o.status not in SHED]),
        "answer of another kind": replace(story, told=changed(story, 503, {"status": 500})),
        "turned away without a fair time": replace(
            story, told=changed(story, 503, {"retry_after": "11"})
        ),
        "closed without an answer": replace(story, told=changed(story, 503, {"status": 0})),
        "goodput too low": replace(story, goodputs=[options.goodput * 0.99]),
        "acknowledged but missing": replace(
            story, stored=[one for one in story.stored if one != accepted]
        ),
        "stored twice": replace(story, stored=[*story.stored, accepted]),
        "/liveness late": replace(story, probes=[*story.probes, options.late * 1.01]),
        "accepted late": replace(
            story, told=[replace(one, took_s=one.took_s + options.p99) for one in story.told]
        ),
        "not back to normal": replace(story, normal_after_s=options.normal * 1.01),
        "memory grows": replace(story, grown_mb={"api": options.growth_mb * 1.01}),
    }
    judges = checks(options)
    before = {name for name, judge in judges.items() if judge(story)}
    said = {}
    for name, other in damaged.items():
        turned = {check for check, judge in judges.items() if judge(other)} - before
        said[name] = "red" if turned == {name} else f"WRONG: {turned or 'green'}"
    return said
