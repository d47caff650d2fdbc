"""One vdproxy for many VMs, whose QEMUs and agents are models in one event loop."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from tests.lives.ends import PATIENCE, Client
from tests.lives.port import Chardev, Hangups, Monitor
from tests.peers.daemon import Vdproxy

T = TypeVar("T")

#: All clients are of one user.
_LIMITS = "[vdproxy]\nmax-clients = 2000\nmax-clients-per-uid = 2000\n"


class VM:
    """
    One VM's QEMU, and where its clients connect; without *qmp* there is no monitor.

    Its sockets have the same *path* but for the suffix.
    """

    chardev: Chardev
    monitor: Monitor | None

    def __init__(self, path: Path, hangups: Hangups, *, qmp: bool) -> None:
        self._path = path
        self._hangups = hangups
        self._qmp = qmp

    async def boot(self) -> None:
        """Start QEMU."""
        self.monitor = Monitor(self._path.with_suffix(".q")) if self._qmp else None
        if self.monitor is not None:
            await self.monitor.serve()
        self.chardev = Chardev(
            self._path.with_suffix(".g"), self._hangups, self._port_changed
        )

    def shut(self) -> None:
        """End QEMU."""
        self.chardev.shut()
        if self.monitor is not None:
            self.monitor.shut()

    async def connect(self, data: bytes = b"") -> Client:
        return await Client.connect(self._path.with_suffix(".c"), data)

    async def watched(self) -> None:
        """Return when vdproxy has asked QEMU how the port is, if it can."""
        if self.monitor is not None:
            async with asyncio.timeout(PATIENCE):
                await self.monitor.watched.wait()

    def _port_changed(self, opened: bool) -> None:
        if self.monitor is not None:
            self.monitor.port_changed(opened)


def ini_of(name: str, *, qmp: bool) -> str:
    """Return a VM's section of the configuration."""
    lines = [f"[vm:{name}]", f"guest = unix:{name}.g"]
    lines += [f"qmp = unix:{name}.q"] if qmp else []
    return "\n".join([*lines, f"clients = vdi unix:{name}.c", ""])


@asynccontextmanager
async def served(
    directory: Path, qmp: Sequence[bool], ini: str = "", plugins: Path | None = None
) -> AsyncIterator[tuple[Vdproxy, list[VM]]]:
    """Serve as many VMs as are given with one vdproxy; *qmp* is which have QMP."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    hangups = Hangups()
    sections = [ini_of(f"v{number}", qmp=has) for number, has in enumerate(qmp)]
    vdproxy = Vdproxy(directory, "\n".join([_LIMITS, *sections, ini]), plugins=plugins)
    vms = [
        VM(directory / f"v{number}", hangups, qmp=has) for number, has in enumerate(qmp)
    ]
    for vm in vms:
        await vm.boot()
    try:
        await asyncio.to_thread(vdproxy.start)
        yield vdproxy, vms
    finally:
        await asyncio.to_thread(vdproxy.stop)
        for vm in vms:
            vm.shut()
        hangups.close()


async def named(trial: object, outcome: Awaitable[T]) -> T:
    """Return the outcome of a trial, which is named if it fails."""
    try:
        return await outcome
    except (AssertionError, TimeoutError) as error:
        error.add_note(f"in {trial}")
        raise
