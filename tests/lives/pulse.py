"""How long a healthy VM's client waits meanwhile: what a busy machine costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.lives.ends import Agent
from tests.lives.scene import VM
from vdproxy.wire.messages import MonConfig, MonitorsConfig, Reply

#: Seconds between two round trips.
_PAUSE = 0.05


class Pulse:
    """Round trips through one VM, one after the other."""

    def __init__(self) -> None:
        self._trips: list[tuple[float, float]] = []

    @property
    def seconds(self) -> list[float]:
        """How long each has taken."""
        return [end - begin for begin, end in self._trips]

    def slowest(self, since: float, until: float) -> float:
        """Return what the slowest took of those in a span of the loop's time."""
        return max(
            (
                end - begin
                for begin, end in self._trips
                if begin < until and end > since
            ),
            default=0.0,
        )

    async def beat(self, vm: VM) -> None:
        """Make round trips for ever."""
        loop = asyncio.get_running_loop()
        Agent(vm.chardev, (1,), b"").start()
        client = await vm.connect()
        await client.ready()
        while True:
            begin = loop.time()
            client.say(MonitorsConfig(0, (MonConfig(800, 600),)))
            await client.expect(Reply)
            self._trips.append((begin, loop.time()))
            await asyncio.sleep(_PAUSE)


@asynccontextmanager
async def beating(vm: VM) -> AsyncIterator[Pulse]:
    """Have round trips made through a VM of which nothing else is wanted."""
    pulse = Pulse()
    task = asyncio.create_task(pulse.beat(vm))
    try:
        yield pulse
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
