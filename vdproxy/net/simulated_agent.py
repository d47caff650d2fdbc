"""
A guest agent to demonstrate and to develop plugins with, without input or output.

It stands in for a Linux guest whose one application takes whatever text is
copied: it offers and takes one text clipboard, accepts any monitor layout and
receives files, into a folder or only counting them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from twisted.logger import Logger

from vdproxy.link.client import ClientLink
from vdproxy.link.events import ClientReady
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import (
    Capability,
    ClipboardType,
    FileXferStatusResult,
    MessageType,
    ReplyError,
    Selection,
)
from vdproxy.wire.messages import (
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    FileXferData,
    FileXferStart,
    FileXferStatus,
    Message,
    MonitorsConfig,
    Reply,
)

GREETING = b"Hello from the simulated guest."

CAPABILITIES = Capabilities.of(
    Capability.VD_AGENT_CAP_MONITORS_CONFIG,
    Capability.VD_AGENT_CAP_REPLY,
    Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND,
    Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION,
    Capability.VD_AGENT_CAP_SPARSE_MONITORS_CONFIG,
    Capability.VD_AGENT_CAP_GUEST_LINEEND_LF,
    Capability.VD_AGENT_CAP_CLIPBOARD_NO_RELEASE_ON_REGRAB,
    Capability.VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL,
)

_BY_DEMAND = Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND
_CLIPBOARD = Selection.VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD
_TEXT = ClipboardType.VD_AGENT_CLIPBOARD_UTF8_TEXT
_log = Logger()


@dataclass
class _Transfer:
    """A file that is coming in: the bytes it lacks, and where they go."""

    left: int
    file: BinaryIO | None


class SimulatedAgent:
    """
    One life of the agent.

    ``folder`` is where files go, None to count them only. ``text`` is what the
    guest's clipboard holds, ``monitors`` the layout that was set last and
    ``files`` the number of files that came whole.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.text = GREETING
        self.monitors: MonitorsConfig | None = None
        self.files = 0
        self._folder = folder
        self._owns_clipboard = True
        self._transfers: dict[int, _Transfer] = {}
        self._link = ClientLink(Codec())
        self._link.offer(CAPABILITIES)

    def receive_data(self, data: bytes) -> bytes:
        """
        Take bytes from the host; return what the agent says next.

        The first call, with no bytes, returns its first words.

        :raises RemoteProtocolError: the host does not speak the protocol.
        """
        self._link.receive_data(data)
        said = b""
        while (event := self._link.next_event()) is not None:
            said += self._spoken()
            if isinstance(event, ClientReady):
                self._drop_files()
                if self._owns_clipboard and _BY_DEMAND in self._host_capabilities():
                    said += self._say(ClipboardGrab(_CLIPBOARD, (_TEXT,)))
            elif isinstance(event, Message):
                said += b"".join(map(self._say, self._answers(event)))
        return said + self._spoken()

    def end(self) -> None:
        """Give up what is unfinished."""
        self._drop_files()

    def _host_capabilities(self) -> Capabilities:
        return self._link.announced or Capabilities()

    def _spoken(self) -> bytes:
        return b"".join(b"".join(cut) for cut in self._link.messages_to_send())

    def _say(self, message: Message) -> bytes:
        return b"".join(self._link.encode(message))

    def _answers(self, message: Message) -> Iterator[Message]:
        match message:
            case MonitorsConfig():
                self.monitors = message
                number = MessageType.VD_AGENT_MONITORS_CONFIG
                yield Reply(number, ReplyError.VD_AGENT_SUCCESS)
            case ClipboardGrab(selection=0):
                self._owns_clipboard = False
                if _TEXT in message.types:
                    yield ClipboardRequest(_CLIPBOARD, _TEXT)
            case Clipboard(
                selection=0, type=ClipboardType.VD_AGENT_CLIPBOARD_UTF8_TEXT
            ):
                self.text = message.data
            case ClipboardRelease(selection=0):
                self._owns_clipboard = True
                yield ClipboardGrab(_CLIPBOARD, (_TEXT,))
            case ClipboardRequest():
                yield self._pasted(message)
            case FileXferStart():
                yield self._start_file(message)
            case FileXferData():
                yield from self._write_file(message)
            case FileXferStatus():
                self._drop_file(message.id)

    def _pasted(self, request: ClipboardRequest) -> Clipboard:
        selection = request.selection
        if self._owns_clipboard and selection == _CLIPBOARD and request.type == _TEXT:
            return Clipboard(selection, _TEXT, self.text)
        return Clipboard(selection, ClipboardType.VD_AGENT_CLIPBOARD_NONE, b"")

    def _start_file(self, start: FileXferStart) -> FileXferStatus:
        result = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA
        try:
            if start.id in self._transfers:
                raise OSError("its id is that of another")
            file = self._create(start.name)
        except OSError as error:
            _log.warn("the simulated guest takes no file: {error}", error=error)
            result = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_ERROR
        else:
            self._transfers[start.id] = _Transfer(start.size, file)
        return FileXferStatus(start.id, result)

    def _create(self, name: str) -> BinaryIO | None:
        """Open a new file of this name in the folder, if there is one."""
        if self._folder is None:
            return None
        apart = any(separator in name for separator in "/\\")
        if apart or name in ("", ".", "..") or not name.isprintable():
            raise OSError("its name is not that of a file")
        return (self._folder / name).open("xb")

    def _write_file(self, data: FileXferData) -> Iterator[FileXferStatus]:
        transfer = self._transfers.get(data.id)
        if transfer is None:
            return
        transfer.left -= len(data.data)
        result = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_SUCCESS
        try:
            if transfer.left < 0:
                raise OSError("it is longer than was said")
            if transfer.file is not None:
                transfer.file.write(data.data)
            if transfer.left:
                return
            if transfer.file is not None:
                transfer.file.close()
        except OSError as error:
            _log.warn("the simulated guest drops a file: {error}", error=error)
            self._drop_file(data.id)
            result = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_ERROR
        else:
            del self._transfers[data.id]
            self.files += 1
        yield FileXferStatus(data.id, result)

    def _drop_files(self) -> None:
        for id in list(self._transfers):
            self._drop_file(id)

    def _drop_file(self, id: int) -> None:
        transfer = self._transfers.pop(id, None)
        if transfer is not None and transfer.file is not None:
            transfer.file.close()
            Path(transfer.file.name).unlink(missing_ok=True)
