"""Results as a table for people and as JSON."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.processes import CORES, DRIVER_CORE, MEASURED_CORE
from bench.race import Goal, Race, Spread


def machine() -> dict[str, Any]:
    """Return what the figures were measured on, and how busy that is."""
    return {
        "processor": _processor(),
        "cores": len(CORES),
        "pinned": {"peers": DRIVER_CORE, "measured": MEASURED_CORE},
        "kernel": platform.release(),
        "python": platform.python_version(),
        "twisted": version("twisted"),
        "vdproxy": version("vdproxy"),
        "load": os.getloadavg(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def table(race: Race) -> Iterator[str]:
    """Yield the lines of a Markdown table: each figure, and its part of others'."""
    yield f"### {race.work}"
    yield ""
    heads = ["", *race.figures]
    heads += [f"{f} / {other}" for other in race.against for f in race.figures[:1]]
    yield _row(heads)
    yield _row(["---"] * len(heads))
    for name in race.results:
        cells = [name]
        cells += [_shown(race.spread(name, f)) for f in race.figures]
        for other in race.against:
            same = name == other or other not in race.results
            ratio = None if same else race.ratio(name, other, race.figures[0])
            cells.append(_shown(ratio))
        yield _row(cells)
    for goal in race.goals:
        outcome = race.outcome(goal)
        if outcome is not None:
            yield ""
            yield _told(goal, outcome)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _shown(spread: Spread | None) -> str:
    if spread is None:
        return ""
    least, most = _number(spread.least), _number(spread.most)
    return f"**{_number(spread.median)}** {least} to {most}"


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _told(goal: Goal, outcome: Spread) -> str:
    of = f" / {goal.of}" if goal.of else ""
    bound = (
        f"at least {goal.at_least:g}"
        if goal.at_least is not None
        else f"at most {goal.at_most:g}"
    )
    reached = "reached" if goal.reached(outcome.median) else "NOT reached"
    what = f"{goal.contestant}{of}, {goal.figure}"
    return f"Goal: {what} {bound}: {_number(outcome.median)}, {reached}."


def write_json(path: Path, before: dict[str, Any], races: Sequence[Race]) -> None:
    """Write all that was measured, with the machine *before* and its load after."""
    whole = {
        "machine": before,
        "load_after": os.getloadavg(),
        "command": sys.argv,
        "races": [race.as_json() for race in races],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(whole, indent=1) + "\n")
