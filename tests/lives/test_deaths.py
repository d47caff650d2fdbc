"""Agents that are killed at each byte of what they say, and when the next is met."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median

from tests.figures import report
from tests.lives.pulse import Pulse, beating
from tests.lives.scene import named, served
from tests.lives.trials import Outcome, Trial, plan, undergo

#: The bytes of each message in its one chunk.
_SIZES = {"CLIPBOARD": 200, "GRAB": 56, "STATUS": 36}
_MEGABYTE = 36 + 1_000_000

#: Seconds within which an agent is met where the bytes alone tell of it, and after
#: QEMU's word: at once, or over a connection made anew. All are on an idle machine.
_WITHOUT_QMP = 3.0
_AT_ONCE = 0.1
_ANEW = 0.5

#: Seconds after which vdproxy waits no more for the last words of an agent whose
#: port is closed, and makes the connection anew.
_LAST_WORDS = 0.2

#: Round trips that are as slow as the slowest meanwhile, which a handshake may take.
_TRIPS = 4


def _trials() -> list[Trial]:
    random = Random(5)
    trials = [
        trial
        for message, size in _SIZES.items()
        for trial in plan(message, range(size + 1), random)
    ]
    places = [random.randrange(_MEGABYTE) for _ in range(50)]
    return trials + plan("1 MB CLIPBOARD", places, random)


async def _undergo(
    directory: Path, trials: list[Trial]
) -> tuple[list[Outcome], list[Outcome], Pulse]:
    """Go through all trials, with QMP and without."""
    with_qmp = [True] * len(trials) + [False] * len(trials)
    async with (
        served(directory, [*with_qmp, False]) as (_, vms),
        beating(vms[-1]) as pulse,
        asyncio.TaskGroup() as group,
    ):
        tasks = [
            group.create_task(named(trial, undergo(vm, trial)))
            for vm, trial in zip(vms, trials * 2, strict=False)
        ]
    outcomes = [task.result() for task in tasks]
    return outcomes[: len(trials)], outcomes[len(trials) :], pulse


def _after_word(outcome: Outcome) -> float:
    """Return the seconds from an announcement and QEMU's word of it, 0 if sooner."""
    return max(0.0, outcome.synced - max(outcome.announced, outcome.told))


def _from_announcement(outcome: Outcome) -> float:
    return outcome.synced - outcome.announced


def _may_need_new_connection(outcome: Outcome) -> bool:
    return outcome.trial.busy or outcome.announced - outcome.told > _LAST_WORDS


def _summary(
    name: str, outcomes: list[Outcome], seconds: Callable[[Outcome], float]
) -> None:
    taken = sorted(map(seconds, outcomes))
    report(
        name,
        trials=len(taken),
        median=median(taken),
        p90=taken[len(taken) * 9 // 10],
        longest=taken[-1],
    )


def test_agents_killed_at_each_byte(tmp_path: Path):
    with_qmp, without, pulse = asyncio.run(_undergo(tmp_path, _trials()))
    anew = [outcome for outcome in with_qmp if _may_need_new_connection(outcome)]
    met = [outcome for outcome in with_qmp if not _may_need_new_connection(outcome)]
    _summary("agent killed, qmp, s after ANNOUNCE", with_qmp, _from_announcement)
    _summary("agent killed, qmp, s after ANNOUNCE and word", met, _after_word)
    _summary("agent killed, qmp, connected anew, s after both", anew, _after_word)
    _summary("agent killed, no qmp, s after ANNOUNCE", without, _from_announcement)
    report("round trip of another VM, s", median=median(pulse.seconds))

    def check(
        outcomes: list[Outcome], seconds: Callable[[Outcome], float], limit: float
    ) -> None:
        late = [
            (outcome.trial, seconds(outcome))
            for outcome in outcomes
            if seconds(outcome)
            > limit + _TRIPS * pulse.slowest(outcome.killed, outcome.synced)
        ]
        assert not late, f"not in {limit} s: {late}"

    check(met, _after_word, _AT_ONCE)
    check(anew, _after_word, _ANEW)
    check(without, _from_announcement, _WITHOUT_QMP)
