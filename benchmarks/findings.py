"""What was measured against what, and how it is shown: as a table, as JSON, in the documentation."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

PLOT = "![How far each row is from its goal](performance.png)"
BEGIN, END = "<!-- table: made by `make bench` -->", "<!-- end of table -->"


@dataclass
class Finding:
    """One measured thing: ours, beside something else where there is one, and what is to be reached.

    The goal is for the ratio of the pairs, or with `of_ratio` false for our own value.
    """

    row: str
    work: str
    unit: str
    goal: float
    ours: list[float]
    at_least: bool = True
    against: str = ""
    other: list[float] = field(default_factory=list)
    of_ratio: bool = True

    @property
    def ratios(self) -> list[float]:
        return [mine / its for mine, its in zip(self.ours, self.other, strict=True)]

    @property
    def judged(self) -> list[float]:
        """The values that the goal is for; pairs were measured one after the other."""
        return self.ratios if self.against and self.of_ratio else self.ours

    @property
    def is_met(self) -> bool:
        value = statistics.median(self.judged)
        return value >= self.goal if self.at_least else value <= self.goal

    def cells(self) -> list[str]:
        sign = ">=" if self.at_least else "<="
        goal = f"{sign} {number(self.goal)} {'x' if self.against and self.of_ratio else self.unit}"
        beside = f"{self.against}: {spread(self.other)}" if self.against else ""
        ratio = f"{spread(self.ratios)} x" if self.against else ""
        ours = f"{spread(self.ours)} {self.unit}"
        return [self.row, self.work, ours, beside, ratio, goal, "yes" if self.is_met else "NO"]

    def as_json(self) -> dict[str, Any]:
        return vars(self) | {"judged": self.judged, "is_met": self.is_met}


def number(value: float) -> str:
    if value and abs(value) < 10:
        return f"{value:.3g}"
    return f"{value:,.0f}"


def spread(values: Sequence[float]) -> str:
    """Return the median, and the range where there are several."""
    middle = number(statistics.median(values))
    if len(values) < 2:
        return middle
    return f"{middle} ({number(min(values))} to {number(max(values))})"


HEADS = ["row", "work", "ours", "beside", "ratio", "goal", "met"]


def table(findings: Sequence[Finding]) -> str:
    """Return a Markdown table that reads well as plain text too."""
    rows = [HEADS, *(finding.cells() for finding in findings)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def read_json(path: Path) -> list[Finding]:
    """Return the findings of an earlier run."""
    names = {each.name for each in fields(Finding)}
    found = json.loads(path.read_text())["findings"]
    return [Finding(**{name: one[name] for name in names}) for one in found]


def publish(findings: Sequence[Finding], facts: dict[str, str], docs: Path) -> None:
    """Write the figures, and the table in the middle of the page that explains them.

    Rows that were not measured now stay as they are.
    """
    figures, page = docs / "performance.json", docs / "performance.md"
    measured = {finding.row for finding in findings}
    kept = read_json(figures) if figures.exists() else []
    findings = sorted(
        [*findings, *(finding for finding in kept if finding.row not in measured)],
        key=lambda finding: finding.row,
    )
    write_json(findings, facts, figures)
    before, _, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    told = "; ".join(f"{name} {value}" for name, value in facts.items())
    parts = [BEGIN, table(findings), told, PLOT, END]
    page.write_text(before + "\n\n".join(parts) + after)


def write_json(findings: Sequence[Finding], facts: dict[str, str], path: Path) -> None:
    content = {"facts": facts, "findings": [finding.as_json() for finding in findings]}
    path.write_text(json.dumps(content, indent=1) + "\n")
