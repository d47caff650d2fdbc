"""An agent that is killed in the middle of what it says, and the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from tests.lives.ends import (
    CAN_SEND_DATA,
    CANCELLED,
    CLIPBOARD,
    TEXT,
    Agent,
    Client,
)
from tests.lives.scene import VM
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRequest,
    FileXferStart,
    FileXferStatus,
    Message,
    MonConfig,
    MonitorsConfig,
    Reply,
)

#: Seconds over which the trials begin: all at once would measure the machine.
SPREAD = 18.0

_FIRST, _CUT, _EARLY, _SECOND = (1,), (1, 2, 3, 4, 5), (1, 3), (1, 2)

#: The file that a client sends in a trial.
_FILE = 7


@dataclass(frozen=True)
class Trial:
    """
    What is said when the agent is killed, *cut* bytes of it, and what follows.

    ``age`` is how long the agent had its port open, ``gap`` how long nobody has,
    seconds. ``talks`` has the next one go on before it is answered, ``busy`` the
    client say something while there is none.
    """

    message: str
    cut: int
    begins: float
    age: float
    gap: float
    talks: bool
    busy: bool


@dataclass(frozen=True)
class Outcome:
    """
    When, by the loop's time, the old agent was killed, the new one announced itself,
    and what that said next had reached the client, after all the handshake.

    ``told`` is when QEMU first told of the change, infinite if it never did.
    """

    trial: Trial
    killed: float
    announced: float
    synced: float
    told: float


def plan(message: str, cuts: Iterable[int], random: Random) -> list[Trial]:
    """Return a trial for each of these *cuts*."""
    return [
        Trial(
            message,
            cut,
            begins=random.uniform(0, SPREAD),
            age=random.uniform(0.1, 2),
            gap=random.uniform(0, 0.3),
            talks=bool(index % 2),
            busy=random.random() < 0.25,
        )
        for index, cut in enumerate(cuts)
    ]


def content(size: int) -> bytes:
    return Random(size).randbytes(size)


def _message(name: str, transfer: int) -> Message:
    match name:
        case "CLIPBOARD":
            return Clipboard(CLIPBOARD, TEXT, content(164))
        case "1 MB CLIPBOARD":
            return Clipboard(CLIPBOARD, TEXT, content(1_000_000))
        case "GRAB":
            return ClipboardGrab(CLIPBOARD, _CUT)
        case _:
            return FileXferStatus(transfer, CAN_SEND_DATA)


async def undergo(vm: VM, trial: Trial) -> Outcome:
    """Go through one trial, and check everything that the client is told."""
    loop = asyncio.get_running_loop()
    await vm.watched()
    await asyncio.sleep(trial.begins)
    old = Agent(vm.chardev, _FIRST, None)
    old.start()
    opened = loop.time()
    client = await vm.connect()
    await client.ready()
    client.say(ClipboardRequest(CLIPBOARD, TEXT), FileXferStart(_FILE, "f", 9))
    await old.expect(ClipboardRequest)
    transfer = await old.expect(FileXferStart)
    message = _message(trial.message, transfer.id)
    await asyncio.sleep(max(0.0, opened + trial.age - loop.time()))
    whole = old.spell(message)
    killed = loop.time()
    old.die(whole[: trial.cut])
    if trial.busy:
        client.say(MonitorsConfig(0, (MonConfig(800, 600),)))
    await asyncio.sleep(trial.gap)
    new = Agent(vm.chardev, _SECOND, content(999))
    talk = (ClipboardGrab(CLIPBOARD, _EARLY), Reply(2, 1)) if trial.talks else ()
    new.start(*talk)
    announced = loop.time()
    while (await client.expect(ClipboardGrab)).types != _SECOND:
        pass
    synced = loop.time()
    assert new.of(AnnounceCapabilities), "nothing said to the new agent"
    await client.expect(Clipboard)
    pastes = 1
    while not (pasted := await client.paste()):
        # On a busy machine it may have taken longer than vdproxy waits.
        pastes += 1
    assert pasted == content(999)
    _check(client, message, pastes, whole=trial.cut == len(whole))
    client.leave()
    new.die()
    news = vm.monitor.told_at if vm.monitor else []
    told = next((when for when in news if when >= killed), float("inf"))
    return Outcome(trial, killed, announced, synced, told)


def _check(client: Client, said: Message, pastes: int, *, whole: bool) -> None:
    """Check that the client was told nothing but what was said, and all it is owed."""
    asked, *pasted = client.of(Clipboard)
    assert len(pasted) == pastes
    if isinstance(said, Clipboard) and whole:
        assert asked == said
    else:
        assert not asked.data
    results = [status.result for status in client.of(FileXferStatus)]
    accepted = isinstance(said, FileXferStatus) and whole
    assert results == [*([CAN_SEND_DATA] if accepted else []), CANCELLED]
    known = [_FIRST, _SECOND, *([_CUT] if whole else [])]
    assert all(grab.types in known for grab in client.of(ClipboardGrab))
