"""A vdproxy, a guest and an unharmed client, each in a process of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.figures import report
from tests.floods.clients import PATIENCE
from tests.floods.guest import live
from tests.floods.pulse import Trip, Waits, beat
from tests.lives.ends import CLIPBOARD, SUCCESS, TEXT, Client
from tests.peers.daemon import Vdproxy
from tests.peers.programs import helper, wait_for
from tests.peers.usage import files_of, forget_peak_of, peak_of, resident_of
from vdproxy.wire.messages import AnnounceCapabilities, ClipboardGrab

#: ``max-memory``, and the most that vdproxy may take besides, KiB.
MAX_MEMORY = 64 * 1024
_BESIDES = 96 * 1024

#: ``max-stall`` of the VM, seconds.
MAX_STALL = 5

#: Within which 99 of 100 round trips are made, seconds.
_P99 = 0.050

#: Direct trips to the guest and back that one through vdproxy is worth: on a busy
#: machine each process waits for its turn, and vdproxy has two.
_TURNS = 2

_INI = f"""
[vdproxy]
max-memory = {MAX_MEMORY}K
[vm:demo]
guest = unix:demo.g
clients = vdi unix:demo.c
max-clients = 64
max-stall = {MAX_STALL}
[vm:other]
guest = unix:other.g
clients = vdi unix:other.c
"""

#: What a client has in its clipboard, and in a file.
_COPY = bytes(range(256)) * 400


class Scene:
    """
    What the floods come over; *client* is where, *other* the path of another VM.

    That one's sockets end in ``.g`` and ``.c``; its guest is the test's to make.
    """

    def __init__(
        self, directory: Path, data: bytes, vdproxy: Vdproxy, pulse: Connection
    ) -> None:
        self.client = directory / "demo.c"
        self.other = directory / "other"
        self.vdproxy = vdproxy
        self._data = data
        self._pulse = pulse

    @contextmanager
    def measured(self, name: str, figures: dict[str, Any]) -> Iterator[None]:
        """Hold vdproxy to its bounds during a flood, of which *figures* are told."""
        files = files_of(self.vdproxy.pid)
        self._trips()
        forget_peak_of(self.vdproxy.pid)
        base = resident_of(self.vdproxy.pid)
        begin = time.monotonic()
        yield
        seconds = time.monotonic() - begin
        trips = self._trips()
        proxied = Waits.of([trip.proxied for trip in trips])
        direct = Waits.of([trip.direct for trip in trips])
        grown = peak_of(self.vdproxy.pid) - base
        begin = time.monotonic()
        asyncio.run(_recovered(self.client, self._data))
        self.await_(lambda: files_of(self.vdproxy.pid) == files, "files closed again")
        report(
            f"flood, {name}",
            seconds=seconds,
            **figures,
            MiB=grown / 1024,
            trips=len(trips),
            p50=proxied.p50,
            p99=proxied.p99,
            p99_direct=direct.p99,
            recovered=time.monotonic() - begin,
        )
        assert grown < _BESIDES + MAX_MEMORY
        assert proxied.p99 < _P99 + _TURNS * direct.p99
        assert "Traceback" not in self.vdproxy.log

    def await_(self, condition: Callable[[], bool], what: str) -> None:
        wait_for(condition, PATIENCE, what, lambda: self.vdproxy.log)

    def _trips(self) -> list[Trip]:
        self._pulse.send("?")
        trips: list[Trip] = self._pulse.recv()
        return trips


@contextmanager
def serving(directory: Path, data: bytes) -> Iterator[Scene]:
    """Serve a VM whose guest has *data* in its clipboard."""
    echo = directory / "echo"
    with ExitStack() as stack:
        vm = directory / "demo"
        stack.enter_context(_process(live, vm, data, echo))
        vdproxy = stack.enter_context(Vdproxy(directory, _INI))
        pulse = stack.enter_context(_process(beat, vm.with_suffix(".c"), echo))
        yield Scene(directory, data, vdproxy, pulse)


@contextmanager
def _process(target: Callable[..., None], *arguments: object) -> Iterator[Connection]:
    """Run a function in a process of its own until the end; it says when it is up."""
    with helper(target, *arguments) as pipe:
        assert pipe.poll(PATIENCE), f"{target} is not up"
        pipe.recv()
        yield pipe


async def _recovered(path: Path, data: bytes) -> None:
    """Have clients paste from each other and from the guest, and one push a file."""
    owner, other = await Client.connect(path, _COPY), await Client.connect(path)
    for client in (owner, other):
        await client.expect(AnnounceCapabilities)
    owner.say(ClipboardGrab(CLIPBOARD, (TEXT,)))
    while await other.paste() != _COPY:
        pass  # The guest's clipboard, or none yet.
    assert await owner.push(1, _COPY) == SUCCESS
    owner.leave()
    while await other.paste() != data:
        pass  # Nobody's, until the guest has taken it.
    other.leave()
