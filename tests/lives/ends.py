"""The two ends of a conversation through vdproxy: an agent in its guest, a client."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from tests.lives.port import Chardev
from vdproxy.errors import RemoteProtocolError
from vdproxy.wire.assembly import MESSAGE_HEADER
from vdproxy.wire.capabilities import Capabilities, Layout
from vdproxy.wire.chunk import (
    CHUNK_HEADER,
    CLIENT_FRAMING,
    ChunkReader,
    CutMessage,
    RawMessage,
)
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import (
    VD_AGENT_PROTOCOL,
    Capability,
    ClipboardType,
    FileXferStatusResult,
    MessageType,
    Port,
    ReplyError,
    Selection,
)
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRequest,
    FileXferData,
    FileXferStart,
    FileXferStatus,
    Message,
    MonitorsConfig,
    Reply,
)

M = TypeVar("M", bound=Message)

TEXT = ClipboardType.VD_AGENT_CLIPBOARD_UTF8_TEXT
NONE = ClipboardType.VD_AGENT_CLIPBOARD_NONE
CLIPBOARD = Selection.VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD
CAN_SEND_DATA = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA
CANCELLED = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CANCELLED
SUCCESS = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_SUCCESS

#: What spice-vdagentd 0.22 announces.
LINUX = Capabilities.from_words([0x00038DE7])

_CLIENT = Capabilities.of(
    Capability.VD_AGENT_CAP_MONITORS_CONFIG,
    Capability.VD_AGENT_CAP_REPLY,
    Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND,
    Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION,
    Capability.VD_AGENT_CAP_CLIPBOARD_NO_RELEASE_ON_REGRAB,
    Capability.VD_AGENT_CAP_FILE_XFER_DETAILED_ERRORS,
)

#: Seconds within which what is waited for comes even on a busy machine.
PATIENCE = 20.0


class Speaker:
    """
    One end: ``heard`` is all that has come to it.

    What comes must keep the rules of an agent's framing.
    """

    def __init__(self, caps: Capabilities) -> None:
        self.heard: list[Message] = []
        self._caps = caps
        self._codec = Codec()
        self._more = asyncio.Event()
        self._passed: Counter[type[Message]] = Counter()
        self._ended = False
        self._begin()

    def of(self, kind: type[M]) -> list[M]:
        """Return all that was heard of a class."""
        return [message for message in self.heard if isinstance(message, kind)]

    async def expect(self, kind: type[M], seconds: float = PATIENCE) -> M:
        """Return the message of a class that comes next to the last one returned."""
        async with asyncio.timeout(seconds):
            while True:
                while self._passed[kind] < len(self.heard):
                    message = self.heard[self._passed[kind]]
                    self._passed[kind] += 1
                    if isinstance(message, kind):
                        return message
                assert not self._ended, f"gone without a {kind.__name__}"
                self._more.clear()
                await self._more.wait()

    def _begin(self) -> None:
        """Know nothing yet of the other end."""
        self.layout = Layout.between(self._caps, self._caps)
        self._reader = ChunkReader(
            CLIENT_FRAMING, self._codec.limit, self._codec.data_offset
        )

    def _read(self, data: bytes) -> Iterator[Message]:
        self._reader.receive_data(data)
        while (raw := self._reader.next_event()) is not None:
            assert isinstance(raw, RawMessage)
            message = self._codec.decode(raw, self.layout)
            if isinstance(message, AnnounceCapabilities):
                self.layout = Layout.between(self._caps, message.capabilities)
            self.heard.append(message)
            self._more.set()
            yield message


class Agent(Speaker):
    """
    An agent that acts as spice-vdagentd does.

    It answers questions, and with the answer grabs the clipboard with *types*. It
    has *data* for those who ask for it and takes files; without it leaves all of them
    waiting. What is no
    framing has it open its port anew without a word, as it does when the host
    leaves: ``stumbles`` counts the former, and what it was to say then is unsaid.
    """

    def __init__(
        self,
        chardev: Chardev,
        types: tuple[int, ...],
        data: bytes | None,
        *,
        pastes: bool = False,
    ) -> None:
        super().__init__(LINUX)
        self.stumbles = 0
        self._chardev = chardev
        self._types = types
        self._data = data
        self._pastes = pastes
        self._serials: Counter[int] = Counter()
        self._is_open = False
        self._unsaid = b""
        self._received = 0
        self._dies_at: int | None = None
        self._lost_blocks = 0
        self._files: dict[int, int] = {}
        self.dead = asyncio.Event()

    def start(self, *talk: Message, first: bool = False) -> None:
        """
        Open the port and announce itself, and say more without an answer.

        Unless it does so *first*, it begins with reading: then what is no framing
        makes it forget what it was about to say.
        """
        self.say(AnnounceCapabilities(1, self._caps.to_words()), *talk)
        if first:
            self._flush()
        self._chardev.open(self)
        self._flush()

    def spell(self, message: Message) -> bytes:
        """Return a message in one chunk."""
        if isinstance(message, ClipboardGrab):
            message = replace(message, serial=self._serials[message.selection])
            self._serials[message.selection] += 1
        payload = self._codec.encode(message, self.layout)
        head = MESSAGE_HEADER.pack(VD_AGENT_PROTOCOL, message.number, 0, len(payload))
        chunk = CHUNK_HEADER.pack(Port.VDP_CLIENT_PORT, len(head) + len(payload))
        return chunk + head + payload

    def say(self, *messages: Message) -> None:
        self._unsaid += b"".join(map(self.spell, messages))
        if self._is_open:
            self._flush()

    def _flush(self) -> None:
        self._is_open = True
        self._chardev.write(self._unsaid)
        self._unsaid = b""

    def die(self, last_words: bytes = b"", lost: int = 0) -> None:
        """Be killed, so many blocks short of what the host has sent."""
        self._chardev.write(last_words)
        self._chardev.close(self, lost)
        self.dead.set()

    def die_after(self, size: int, lost: int) -> None:
        """Be killed as soon as *size* bytes more have been read."""
        self._dies_at, self._lost_blocks = self._received + size, lost

    def receive(self, data: bytes) -> None:
        self._received += len(data)
        if self._dies_at is not None and self._received >= self._dies_at:
            self.die(lost=self._lost_blocks)
            return
        try:
            for message in self._read(data):
                self._answer(message)
        except RemoteProtocolError:
            self.stumbles += 1
            self._open_anew()

    def host_left(self) -> None:
        self._open_anew()

    def _open_anew(self) -> None:
        self._unsaid = b""
        self._chardev.close(self)
        self._begin()
        asyncio.get_running_loop().call_soon(self._open_again)

    def _open_again(self) -> None:
        if not self.dead.is_set():
            self._chardev.open(self)

    def _answer(self, message: Message) -> None:
        match message:
            case AnnounceCapabilities(request=1):
                self._serials.clear()
                self.say(
                    AnnounceCapabilities(0, self._caps.to_words()),
                    ClipboardGrab(CLIPBOARD, self._types),
                )
            case ClipboardGrab(selection=selection, serial=int(serial)):
                self._serials[selection] = serial + 1
                if self._pastes:
                    self.say(ClipboardRequest(selection, TEXT))
            case ClipboardRequest(selection=selection, type=kind):
                if self._data is not None:
                    self.say(Clipboard(selection, kind, self._data))
            case MonitorsConfig():
                kind = MessageType.VD_AGENT_MONITORS_CONFIG
                self.say(Reply(kind, ReplyError.VD_AGENT_SUCCESS))
            case FileXferStart(id=number, size=size) if self._data is not None:
                self._files[number] = size
                self.say(FileXferStatus(number, CAN_SEND_DATA))
            case FileXferData(id=number, data=data):
                self._files[number] -= len(data)
                if not self._files[number]:
                    self.say(FileXferStatus(number, SUCCESS))


class Client(Speaker, asyncio.Protocol):
    """A client; *data* is what it has for those who ask for its clipboard."""

    def __init__(self, data: bytes = b"") -> None:
        super().__init__(_CLIENT)
        self._data = data
        self._transport: asyncio.Transport | None = None
        self._announced = False

    @classmethod
    async def connect(cls, path: Path, data: bytes = b"") -> Client:
        """Connect as soon as somebody listens."""
        client = cls(data)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await loop.create_unix_connection(lambda: client, path)
                except (FileNotFoundError, ConnectionRefusedError):
                    await asyncio.sleep(0.05)
                else:
                    return client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._more.set()

    def leave(self) -> None:
        assert self._transport is not None
        self._transport.abort()

    def say(self, *messages: Message) -> None:
        assert self._transport is not None
        for message in messages:
            payload = self._codec.encode(message, self.layout)
            self._transport.writelines(CutMessage(message.number, payload))

    def data_received(self, data: bytes) -> None:
        for message in self._read(data):
            match message:
                case AnnounceCapabilities(request=1):
                    request = 0 if self._announced else 1
                    self._announced = True
                    self.say(AnnounceCapabilities(request, self._caps.to_words()))
                case ClipboardRequest(selection=selection, type=kind):
                    self.say(Clipboard(selection, kind, self._data))

    async def ready(self) -> None:
        """Return when an agent is up, which has grabbed the clipboard."""
        await self.expect(ClipboardGrab)

    async def paste(self) -> bytes:
        """Return what is in the clipboard, as text."""
        self.say(ClipboardRequest(CLIPBOARD, TEXT))
        return (await self.expect(Clipboard)).data

    async def push(self, number: int, data: bytes) -> int:
        """Send a file, and return the result."""
        self.say(FileXferStart(number, "f", len(data)))
        status = await self.expect(FileXferStatus)
        if status.result == CAN_SEND_DATA:
            for start in range(0, len(data), 65536):
                self.say(FileXferData(number, data[start : start + 65536]))
            status = await self.expect(FileXferStatus)
        return status.result
