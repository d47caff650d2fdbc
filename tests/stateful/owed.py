"""Answers that a model peer waits for, each until a deadline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass


@dataclass
class Question:
    """A question put at ``since``; ``patient`` if data on their way count."""

    since: float
    patience: float
    patient: bool
    port: int


class Owed:
    """
    The questions of one peer by what answers them, the oldest first.

    An answer names no question: one that comes is taken for the oldest's.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._due: dict[Hashable, list[Question]] = {}
        self._void: Counter[Hashable] = Counter()

    def ask(
        self,
        key: Hashable,
        now: float,
        patience: float,
        *,
        patient: bool = False,
        port: int = 1,
    ) -> None:
        question = Question(now, patience, patient, port)
        self._due.setdefault(key, []).append(question)

    def answered(self, key: Hashable) -> Question | None:
        """Take note of an answer; None if that may be to a question made void."""
        due, void = self._due.get(key), self._void[key]
        assert due or void, f"{self._name} was given {key}, for which it had not asked"
        if not due:
            self._void[key] -= 1
            return None
        question = due.pop(0)
        return None if void else question

    def make_void(self, *, in_flight: bool) -> None:
        """
        Expect no answers any more.

        Those that may be *in_flight* cannot be told from answers to what is asked
        later, so from then on so many more may come than were asked for.
        """
        for key, due in self._due.items():
            if in_flight:
                self._void[key] += len(due)
        self._due.clear()

    def check(self, now: float, *, current: bool, progress: float) -> None:
        """
        Check that no answer is late.

        One that is not *current* has not been heard, or has not heard all.
        Patient questions count from *progress*, when data came in last.
        """
        for key, due in self._due.items():
            for question in due:
                if not current:
                    question.since = now
                since = max(question.since, progress if question.patient else 0.0)
                assert now <= since + question.patience + 0.001, (
                    f"{self._name} waits for {key} since {question.since}: it is {now}"
                )

    @property
    def nothing(self) -> bool:
        return not any(self._due.values())
