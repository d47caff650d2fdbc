"""Guests in a process of their own, where the floods cost them nothing."""

from __future__ import annotations

import asyncio
from multiprocessing.connection import Connection
from pathlib import Path

from tests.lives.ends import CLIPBOARD, TEXT, Agent
from tests.lives.port import Hangups
from tests.lives.scene import VM
from vdproxy.wire.messages import ClipboardGrab, ClipboardRelease, Message


class _Agent(Agent):
    """An agent whose application takes the clipboard again when it is free."""

    def _answer(self, message: Message) -> None:
        super()._answer(message)
        if isinstance(message, ClipboardRelease):
            self.say(ClipboardGrab(CLIPBOARD, (TEXT,)))


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def _live(vm: Path, data: bytes, echo: Path, parent: Connection) -> None:
    hangups = Hangups()
    qemu = VM(vm, hangups, qmp=False)
    await qemu.boot()
    server = await asyncio.start_unix_server(_echo, echo)
    agent = _Agent(qemu.chardev, (TEXT,), data, pastes=True)
    agent.start()
    parent.send("up")
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(parent.fileno(), ended.set)
    while not ended.is_set():
        agent.heard.clear()
        await asyncio.wait([asyncio.ensure_future(ended.wait())], timeout=1)
    server.close()
    qemu.shut()
    hangups.close()


def live(vm: Path, data: bytes, echo: Path, parent: Connection) -> None:
    """
    Be the guest of a VM, with *data* in its clipboard, until the parent hangs up.

    Whoever connects to *echo* is sent back what it says.
    """
    asyncio.run(_live(vm, data, echo, parent))
