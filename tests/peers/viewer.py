"""A client with a user before it: it answers for its clipboard, and sends files."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self, TypeVar

from tests.peers.programs import wait_for
from tests.peers.rawclient import RawClient
from vdproxy.wire.assembly import MESSAGE_HEADER
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.chunk import CHUNK_HEADER
from vdproxy.wire.constants import (
    VD_AGENT_PROTOCOL,
    Capability,
    ClipboardType,
    FileXferStatusResult,
    Port,
    Selection,
)
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    FileXferData,
    FileXferStart,
    FileXferStatus,
    Message,
)

M = TypeVar("M", bound=Message)

TEXT = ClipboardType.VD_AGENT_CLIPBOARD_UTF8_TEXT
NONE = ClipboardType.VD_AGENT_CLIPBOARD_NONE
CLIPBOARD = Selection.VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD

_CAN_SEND_DATA = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA

#: Bytes of a file that go into one message, as spice-gtk has it.
FILE_BLOCK = 65536

#: How long something large may take, seconds.
_LONG = 60.0


class Viewer:
    """
    A client that shakes hands with the agent it finds and then acts for a user.

    A thread reads all that comes, keeps it in ``received`` and gives ``owned``
    (data by type, by selection) to whoever requests it, unless ``answers`` is
    False. It counts the serials of GRABs as spice-gtk does, and one that is out
    of turn fails it, as does a chunk that breaks the rules of
    :class:`~tests.peers.rawclient.RawClient`; :meth:`close` raises that.
    """

    def __init__(self, path: Path, caps: Capabilities | Iterable[int]) -> None:
        self.received: list[Message] = []
        self.owned: dict[int, dict[int, bytes]] = {}
        self.answers = True
        self._serials = dict.fromkeys(map(int, Selection), 0)
        self._read: dict[type[Message], int] = {}
        self._lock = threading.RLock()
        self._error: BaseException | None = None
        self._closed = False
        self._connection = socket.socket(socket.AF_UNIX)
        try:
            self._connection.connect(str(path))
            self._link = RawClient(self._connection)
            first = self._link.receive()
            assert isinstance(first, AnnounceCapabilities)
            assert first.request == 1
            self.offer = first.capabilities
            self._link.announce(1, caps)
            assert self._link.receive() == AnnounceCapabilities(0, first.caps)
        except BaseException:
            self._connection.close()
            raise
        self._thread = threading.Thread(target=self._run, name="Viewer", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection at once and raise what went wrong in the thread."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(OSError):  # The other end may have been first.
            self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._connection.close()
        if self._error is not None:
            raise self._error

    @property
    def ended(self) -> bool:
        """Whether the other end has closed the connection."""
        return not self._thread.is_alive()

    def send(self, message: Message, port: int = Port.VDP_CLIENT_PORT) -> None:
        """Send a message in chunks as a host may."""
        with self._lock:
            self._link.send(message, port)

    def send_payload(
        self, number: int, payload: bytes, port: int = Port.VDP_CLIENT_PORT
    ) -> None:
        """Send a message of one chunk whose payload nobody has checked."""
        head = MESSAGE_HEADER.pack(VD_AGENT_PROTOCOL, number, 0, len(payload))
        chunk = CHUNK_HEADER.pack(port, len(head) + len(payload))
        with self._lock:
            self._link.send_bytes(chunk + head + payload)

    def messages(self, message_class: type[M]) -> list[M]:
        """Return all messages of a class that have come."""
        return [m for m in list(self.received) if isinstance(m, message_class)]

    def expect(self, message_class: type[M], timeout: float = 5.0) -> M:
        """
        Wait for the next message of a class and return it.

        Each call goes on behind the message that the last one for the same
        class returned.
        """

        def find() -> M | None:
            ended = self.ended
            for index in range(self._read.get(message_class, 0), len(self.received)):
                message = self.received[index]
                if isinstance(message, message_class):
                    self._read[message_class] = index + 1
                    return message
            assert self._error is None, repr(self._error)
            assert not ended, f"closed without a {name}, after {self._shown()}"
            return None

        name = message_class.__name__
        return wait_for(find, timeout, name, lambda: f"received {self._shown()}")

    def expect_grab(self, timeout: float = 5.0) -> tuple[int, tuple[int, ...]]:
        """Return selection and types of the next GRAB."""
        grab = self.expect(ClipboardGrab, timeout)
        return grab.selection, grab.types

    def copy(
        self, data: Mapping[int, bytes] | bytes, selection: int = CLIPBOARD
    ) -> None:
        """Own *selection* with *data*: by type, or text."""
        with self._lock:
            self.owned[selection] = (
                {TEXT: data} if isinstance(data, bytes) else dict(data)
            )
            serial = None
            if self._link.layout.agreed(Capability.VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL):
                serial = self._serials[selection]
                self._serials[selection] += 1
            self.send(ClipboardGrab(selection, tuple(self.owned[selection]), serial))

    def release(self, selection: int = CLIPBOARD) -> None:
        """Own *selection* no more."""
        with self._lock:
            self.owned.pop(selection, None)
            self.send(ClipboardRelease(selection))

    def paste(
        self, type: int = TEXT, selection: int = CLIPBOARD, timeout: float = _LONG
    ) -> Clipboard:
        """Request *selection* as a type and return the answer."""
        self.skip(Clipboard)
        self.send(ClipboardRequest(selection, type))
        return self.expect(Clipboard, timeout)

    def skip(self, message_class: type[Message]) -> None:
        """Expect none of the messages of a class that have come already."""
        self._read[message_class] = len(self.received)

    def begin_file(self, id: int, name: str, size: int) -> int:
        """Announce a file and return the result in the agent's STATUS."""
        self.send(FileXferStart(id, name, size))
        return self.file_result(id)

    def send_file(self, id: int, name: str, data: bytes) -> int:
        """Send a file and return the result in the last STATUS about it."""
        result = self.begin_file(id, name, len(data))
        if result != _CAN_SEND_DATA:
            return result
        self.send_file_data(id, data)
        return self.file_result(id)

    def send_file_data(self, id: int, data: bytes) -> None:
        """Send data of a file that has been begun."""
        for start in range(0, len(data) or 1, FILE_BLOCK):
            self.send(FileXferData(id, data[start : start + FILE_BLOCK]))

    def file_result(self, id: int, timeout: float = _LONG) -> int:
        """Return the result in the next STATUS, which is to be about *id*."""
        status = self.expect(FileXferStatus, timeout)
        assert status.id == id
        return status.result

    def _shown(self) -> list[str]:
        return [f"{message!r:.200}" for message in list(self.received)]

    def _run(self) -> None:
        try:
            while received := self._link.receive_from(None):
                message = received.message
                if isinstance(message, ClipboardGrab):
                    self._count(message)
                self.received.append(message)
                if isinstance(message, ClipboardRequest) and self.answers:
                    self._answer(message)
        except BaseException as error:  # noqa: BLE001 - close() raises it again
            if not self._closed:
                self._error = error

    def _answer(self, request: ClipboardRequest) -> None:
        with self._lock:
            data = self.owned.get(request.selection, {}).get(request.type)
            kind = NONE if data is None else request.type
            self.send(Clipboard(request.selection, kind, data or b""))

    def _count(self, grab: ClipboardGrab) -> None:
        with self._lock:
            if grab.serial is not None:
                expected = self._serials[grab.selection]
                if grab.serial == expected - 1 and grab.selection in self.owned:
                    return  # It has crossed ours, which wins.
                assert grab.serial == expected, f"{grab} where {expected} is next"
                self._serials[grab.selection] += 1
            self.owned.pop(grab.selection, None)
