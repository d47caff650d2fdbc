"""Agents that are killed while they read a message, and what the next one is given."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from statistics import median

from tests.figures import report
from tests.lives.ends import CANCELLED, CLIPBOARD, SUCCESS, TEXT, Agent
from tests.lives.pulse import Pulse, beating
from tests.lives.scene import VM, named, served
from tests.lives.trials import SPREAD, content
from vdproxy.wire.messages import Clipboard, ClipboardGrab

_MEGABYTE = 1_000_000

#: Trials of each kind.
_TRIALS = 15

#: Clipboards of the first agent and of the second.
_FIRST, _SECOND = (1,), (1, 2)

#: Seconds within which the next agent is served, on an idle machine: when it has
#: announced itself, and when it could not, from QEMU's word on. What it stumbles over
#: may cost it a connection, and a question its answer.
_SERVED = 3.0

#: Seconds that a port must be known to be closed so that nothing stale is in it.
_IN_TIME = 0.05

#: Round trips that are as slow as the slowest meanwhile, which a handshake may take.
_TRIPS = 6


@dataclass(frozen=True)
class Trial:
    """
    An agent is killed after *size* bytes of a clipboard or of a *file*, *lost* blocks
    of 4 KiB short of what QEMU has read.

    *age* and *gap* are as in tests/lives/trials.py. The next one announces itself
    *first*, or reads before, and then perhaps forgets to.
    """

    file: bool
    first: bool
    size: int
    lost: int
    begins: float
    age: float
    gap: float


@dataclass(frozen=True)
class Outcome:
    """
    When, by the loop's time, the next agent opened the port and was served.

    ``told`` is when QEMU first told of the change, infinite if it never did;
    ``stumbles`` is how often the agent read what is no framing.
    """

    trial: Trial
    opened: float
    served: float
    told: float
    stumbles: int


def _trials(*, first: tuple[bool, ...]) -> list[Trial]:
    random = Random(31)
    return [
        Trial(
            file,
            announces,
            size=random.randrange(1, _MEGABYTE),
            lost=random.choice((0, 1, random.randrange(128))),
            begins=random.uniform(0, SPREAD),
            age=random.uniform(0.1, 2),
            gap=random.uniform(0, 0.3),
        )
        for file, announces, _ in product((False, True), first, range(_TRIALS))
    ]


async def _undergo(vm: VM, trial: Trial) -> Outcome:
    """Go through one trial, and check what both ends are given."""
    loop = asyncio.get_running_loop()
    copied, file = content(_MEGABYTE), content(_MEGABYTE + 1)
    await vm.watched()
    await asyncio.sleep(trial.begins)
    old = Agent(vm.chardev, _FIRST, b"old", pastes=True)
    old.start()
    client = await vm.connect(copied)
    await client.ready()
    await asyncio.sleep(trial.age)
    news = vm.monitor.told_at if vm.monitor else []
    known = len(news)
    old.die_after(trial.size, trial.lost)
    if trial.file:
        pushed = asyncio.create_task(client.push(1, file))
    else:
        client.say(ClipboardGrab(CLIPBOARD, (TEXT,)))
    await old.dead.wait()
    await asyncio.sleep(trial.gap)
    new = Agent(vm.chardev, _SECOND, b"new", pastes=True)
    opened = loop.time()
    new.start(first=trial.first)
    if trial.file:
        while (await client.expect(ClipboardGrab)).types != _SECOND:
            pass
    else:
        await new.expect(ClipboardGrab)
    served_at = loop.time()
    if trial.file:
        assert await pushed == CANCELLED
        assert await client.push(2, file) == SUCCESS
        assert await client.paste() == b"new"
    else:
        assert (await new.expect(Clipboard)).data == copied
    told = news[known] if len(news) > known else float("inf")
    client.leave()
    new.die()
    return Outcome(trial, opened, served_at, told, new.stumbles)


async def _undergo_all(
    directory: Path, trials: list[Trial], *, qmp: bool
) -> tuple[list[Outcome], Pulse]:
    async with (
        served(directory, [*([qmp] * len(trials)), False]) as (_, vms),
        beating(vms[-1]) as pulse,
        asyncio.TaskGroup() as group,
    ):
        tasks = [
            group.create_task(named(trial, _undergo(vm, trial)))
            for vm, trial in zip(vms, trials, strict=False)
        ]
    return [task.result() for task in tasks], pulse


def _check_served(name: str, outcomes: list[Outcome], pulse: Pulse) -> None:
    taken = sorted(outcome.served - outcome.opened for outcome in outcomes)
    report(
        name,
        trials=len(taken),
        stumbled=sum(outcome.stumbles > 0 for outcome in outcomes),
        median=median(taken),
        p90=taken[len(taken) * 9 // 10],
        longest=taken[-1],
    )
    late = [
        outcome
        for outcome in outcomes
        if outcome.served - outcome.opened
        > _SERVED + _TRIPS * pulse.slowest(outcome.opened, outcome.served)
    ]
    assert not late


def test_with_qmp_the_next_agent_is_given_nothing_stale(tmp_path: Path):
    """H31: unless it opens the port before QEMU tells that it was closed."""
    trials = _trials(first=(False, True))
    outcomes, pulse = asyncio.run(_undergo_all(tmp_path, trials, qmp=True))
    _check_served("agent killed reading, qmp, s after open", outcomes, pulse)
    warned = [o for o in outcomes if o.opened - o.told > _IN_TIME]
    assert len(warned) > _TRIALS
    stale = [
        outcome
        for outcome in warned
        if outcome.stumbles
        and outcome.opened - outcome.told
        > _IN_TIME + _TRIPS * pulse.slowest(outcome.told, outcome.opened)
    ]
    assert not stale


def test_without_qmp_the_next_agent_is_served_once_it_has_announced_itself(
    tmp_path: Path,
):
    trials = _trials(first=(True,))
    outcomes, pulse = asyncio.run(_undergo_all(tmp_path, trials, qmp=False))
    _check_served("agent killed reading, no qmp, s after ANNOUNCE", outcomes, pulse)
