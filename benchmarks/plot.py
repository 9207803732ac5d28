"""Draws performance.json: how far each finding is from its goal. Runs in .venv/bench (matplotlib).

plot.py <performance.json> <performance.png>
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot

TICKS = [0.25, 0.5, 1, 2, 4]


def beyond(finding: dict[str, Any], value: float) -> float:
    """Return 1 at the goal, 2 when twice as good as it asks."""
    goal = float(finding["goal"])
    if not finding["at_least"]:
        return (goal + 1) / (value + 1) if goal == 0 else goal / max(value, 1e-9)
    return value / goal


def main() -> None:
    content = json.loads(Path(sys.argv[1]).read_text())
    findings = list(reversed(content["findings"]))
    figure, axes = pyplot.subplots(figsize=(10, 0.5 * len(findings) + 1.6))
    for place, finding in enumerate(findings):
        values = [beyond(finding, value) for value in finding["judged"]]
        middle = statistics.median(values)
        axes.barh(place, middle, color="#2a7f62" if finding["is_met"] else "#b4532a")
        axes.plot([min(values), max(values)], [place, place], color="black", linewidth=1)
    labels = [
        f"{f['row']}  {f['work']}{', beside ' + f['against'] if f['against'] else ''}"
        for f in findings
    ]
    axes.set_yticks(range(len(findings)), labels)
    axes.set_xscale("log")
    axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS], minor=False)
    axes.minorticks_off()
    axes.margins(y=0.01)
    axes.axvline(1, color="black", linestyle="--", linewidth=1)
    axes.set_xlabel("times the goal (median, line: range); right of 1 is met")
    figure.suptitle("; ".join(f"{k} {v}" for k, v in content["facts"].items()), fontsize=8)
    figure.tight_layout()
    figure.savefig(sys.argv[2], dpi=110)


if __name__ == "__main__":
    main()
