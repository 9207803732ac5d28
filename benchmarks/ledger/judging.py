"""What the checks of a part find in what it saw, and what each of them makes of its control."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from ledger.checks import Finding, red

Seen = TypeVar("Seen")
Checks = Mapping[str, Callable[[Seen], Iterable[str]]]


def examine(checks: Checks[Seen], seen: Seen) -> list[Finding]:
    return [Finding(name, list(check(seen))) for name, check in checks.items()]


def controls(checks: Checks[Seen], seen: Seen, damaged: Mapping[str, Seen]) -> dict[str, str]:
    """Say for each check whether what was damaged for it turned exactly it red."""
    before, said = red(examine(checks, seen)), {}
    for name, broken in damaged.items():
        turned = red(examine(checks, broken)) - before
        said[name] = "red" if turned == {name} else f"WRONG: {', '.join(sorted(turned)) or 'green'}"
    return said
