"""Hundreds of agents and QEMUs, one after the other, and what is left of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.lives.ends import CLIPBOARD, PATIENCE, SUCCESS, TEXT, Agent, Client
from tests.lives.growth import PROBE, Held, Probe, check_growth, install
from tests.lives.scene import VM, served
from tests.lives.trials import content
from vdproxy.wire.messages import Clipboard, ClipboardGrab, ClipboardRelease

_RESTARTS = 100
_CLIENTS = 3

#: How long vdproxy counts lines of its log, seconds.
_LOG_PERIOD = 10.0

#: The next agent's clipboard, the file and what clients copy.
_TYPES = (1, 2)
_DATA, _FILE, _COPY = content(5000), content(300_000), content(20_000)


@asynccontextmanager
async def _probed(directory: Path) -> AsyncIterator[tuple[VM, Probe]]:
    plugins = install(directory / "plugins")
    async with served(directory, [True], ini=PROBE, plugins=plugins) as (vdproxy, vms):
        probe = Probe(vdproxy, directory / "probe.sock")
        try:
            yield vms[0], probe
        finally:
            probe.close()


async def _live(agent: Agent, clients: list[Client], life: int) -> None:
    """Have all clients paste, one push a file, and one copy."""
    await asyncio.gather(*(client.ready() for client in clients))
    for data in await asyncio.gather(*(client.paste() for client in clients)):
        assert data == _DATA
    assert await clients[0].push(life, _FILE) == SUCCESS
    clients[1].say(ClipboardGrab(CLIPBOARD, (TEXT,)))
    assert (await agent.expect(Clipboard)).data == _COPY
    # The next agent's clipboard counts if no client has one.
    clients[1].say(ClipboardRelease(CLIPBOARD))
    await agent.expect(ClipboardRelease)


async def _settled(probe: Probe, calls: int) -> bool:
    """Tell whether in the end no more timers run than *calls*."""
    async with asyncio.timeout(_LOG_PERIOD + PATIENCE):
        while (await asyncio.to_thread(probe.look)).calls > calls:
            await asyncio.sleep(0.5)
    return True


async def _restart(
    directory: Path, again: Callable[[VM, Agent], Awaitable[None]]
) -> list[Held]:
    """Return what vdproxy held in each of many lives."""
    held: list[Held] = []
    async with _probed(directory) as (vm, probe):
        await vm.watched()
        calls = probe.look().calls
        clients: list[Client] = []
        for life in range(_RESTARTS + 1):
            agent = Agent(vm.chardev, _TYPES, _DATA, pastes=True)
            agent.start()
            if not clients:
                clients = [await vm.connect(_COPY) for _ in range(_CLIENTS)]
            await _live(agent, clients, life)
            await vm.watched()
            held.append(await asyncio.to_thread(probe.look))
            await again(vm, agent)
        for client in clients:
            client.leave()
        assert await _settled(probe, calls)
    return held[1:]


async def _kill_agent(vm: VM, agent: Agent) -> None:
    agent.die()


def test_a_hundred_agents_leave_nothing(tmp_path: Path):
    check_growth("agent restarts", asyncio.run(_restart(tmp_path, _kill_agent)))


async def _restart_qemu(vm: VM, agent: Agent) -> None:
    agent.die()
    vm.shut()
    await vm.boot()


def test_a_hundred_qemus_leave_nothing(tmp_path: Path):
    check_growth("QEMU restarts", asyncio.run(_restart(tmp_path, _restart_qemu)))
