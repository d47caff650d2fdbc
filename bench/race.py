"""Contestants measured by turns, so that what slows the machine slows them all."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: What one round of one contestant measures: figures by their names with units.
Figures = Mapping[str, float]


@dataclass(frozen=True)
class Spread:
    """The median of the rounds, and the least and the most of them."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Goal:
    """
    That one contestant's *figure* is to be so much of another's.

    Without *of* the figure itself is meant. *at_least* or *at_most* is the bound.
    """

    figure: str
    contestant: str
    of: str | None = None
    at_least: float | None = None
    at_most: float | None = None

    def reached(self, value: float) -> bool:
        """Tell whether *value* is within the bound."""
        if self.at_least is not None:
            return value >= self.at_least
        return self.at_most is None or value <= self.at_most


@dataclass
class Race:
    """
    One piece of work and what its contestants made of it, round by round.

    *against* are the contestants that ratios are given to, *goals* the ratios and
    figures that are aimed at.
    """

    work: str
    against: Sequence[str] = ()
    goals: Sequence[Goal] = ()
    results: dict[str, list[Figures]] = field(default_factory=dict)

    def run(
        self, contestants: Mapping[str, Callable[[], Figures]], rounds: int
    ) -> None:
        """
        Have each contestant do the work once in each of so many rounds.

        Who begins changes from round to round. What comes before the first round, to
        warm up, does not count.
        """
        names = list(contestants)
        self.results = {name: [] for name in names}
        for name in names:
            contestants[name]()
        for turn in range(rounds):
            first = turn % len(names)
            for name in names[first:] + names[:first]:
                self.results[name].append(contestants[name]())

    @property
    def figures(self) -> list[str]:
        """The names of what was measured."""
        names: dict[str, None] = {}
        for rounds in self.results.values():
            names.update(dict.fromkeys(rounds[0]))
        return list(names)

    def spread(self, contestant: str, figure: str) -> Spread | None:
        """Return how *figure* came out, None where this contestant has none."""
        values = [r[figure] for r in self.results[contestant] if figure in r]
        return Spread.of(values) if values else None

    def ratio(self, contestant: str, other: str, figure: str) -> Spread | None:
        """Return *contestant*'s part of *other*'s figure, each round by itself."""
        pairs = zip(self.results[contestant], self.results[other], strict=True)
        ratios = [
            a[figure] / b[figure] for a, b in pairs if figure in a and b.get(figure)
        ]
        return Spread.of(ratios) if ratios else None

    def outcome(self, goal: Goal) -> Spread | None:
        """Return what a goal is about as it came out."""
        if goal.of is None:
            return self.spread(goal.contestant, goal.figure)
        return self.ratio(goal.contestant, goal.of, goal.figure)

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        return {
            "work": self.work,
            "rounds": self.results,
            "figures": {
                name: {f: _plain(self.spread(name, f)) for f in self.figures}
                for name in self.results
            },
            "ratios": {
                f"{name} / {other}": {
                    f: _plain(self.ratio(name, other, f)) for f in self.figures
                }
                for other in self.against
                for name in self.results
                if name != other
            },
            "goals": [
                {
                    **vars(goal),
                    "outcome": _plain(outcome),
                    "reached": goal.reached(outcome.median),
                }
                for goal in self.goals
                if (outcome := self.outcome(goal)) is not None
            ],
        }


def _plain(spread: Spread | None) -> dict[str, float] | None:
    return None if spread is None else vars(spread)
