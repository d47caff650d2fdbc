"""One end of a vdagent connection, on a blocking socket and under a test's hand."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

from vdproxy.errors import RemoteProtocolError
from vdproxy.wire.assembly import MESSAGE_HEADER
from vdproxy.wire.capabilities import Capabilities, Layout
from vdproxy.wire.chunk import (
    CLIENT_FRAMING,
    ChunkHeader,
    ChunkReader,
    CutMessage,
    Framing,
    RawMessage,
)
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import Port
from vdproxy.wire.messages import AnnounceCapabilities, Message

M = TypeVar("M", bound=Message)

#: How long the other end may leave what is sent to it unread, seconds.
_SEND_SECONDS = 10.0


class Received(NamedTuple):
    """A message and the port it came on."""

    port: int
    message: Message


class RawClient:
    """
    A connection that says and understands single messages, and nothing by itself.

    What comes in must keep the rules that every known peer needs, else reading
    fails with AssertionError: chunks of at most 2,048 bytes, a message's header
    whole in its first chunk, no chunk with parts of two messages. A test that
    sits at the host's end of an agent passes ``GUEST_FRAMING`` instead, which
    leaves the size free.

    ``layout`` follows the announcements of both ends; a test may also set it.
    ``others`` collects the messages that :meth:`expect` and :meth:`closed`
    passed over.
    """

    def __init__(
        self, connection: socket.socket, framing: Framing = CLIENT_FRAMING
    ) -> None:
        connection.settimeout(_SEND_SECONDS)
        self.layout = Layout()
        self.others: list[Message] = []
        self._connection = connection
        self._codec = Codec()
        self._reader = ChunkReader(
            framing, self._codec.limit, self._codec.data_offset, report_chunks=True
        )
        self._begun: set[int] = set()
        self._ours: Capabilities | None = None
        self._theirs: Capabilities | None = None

    @classmethod
    def connect(cls, path: Path, framing: Framing = CLIENT_FRAMING) -> Self:
        """Return a client of the Unix socket *path*."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
        except BaseException:
            connection.close()
            raise
        return cls(connection, framing)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._connection.sendall(data)

    def encode(self, message: Message) -> bytes:
        """Return a message's payload under the present layout."""
        return self._codec.encode(message, self.layout)

    def send(self, message: Message, port: int = Port.VDP_CLIENT_PORT) -> None:
        """Send a message in chunks as a host may."""
        for write in CutMessage(message.number, self.encode(message), port):
            self.send_bytes(write)

    def announce(self, request: int, caps: Capabilities | Iterable[int]) -> None:
        """Announce capabilities: a set, or words exactly as they are to be sent."""
        words = caps.to_words() if isinstance(caps, Capabilities) else tuple(caps)
        self.note_announced(words)
        self.send(AnnounceCapabilities(request, words))

    def note_announced(self, words: Iterable[int]) -> None:
        """Let the layout follow an announcement that goes out by other ways."""
        self._ours = Capabilities.from_words(words)
        self.layout = Layout.between(self._ours, self._theirs)

    def receive_from(self, timeout: float | None = 5.0) -> Received | None:
        """
        Return the next message with its port, None at the end of the stream.

        :raises TimeoutError: neither has come; a *timeout* of None is for ever.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while (raw := self._next_raw()) is None:
            self._await_readable(deadline, timeout)
            try:
                data = self._connection.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self._reader.receive_data(data)
        try:
            message = self._codec.decode(raw, self.layout)
        except RemoteProtocolError as error:
            raise AssertionError(str(error)) from error
        if isinstance(message, AnnounceCapabilities):
            self._theirs = message.capabilities
            self.layout = Layout.between(self._ours, self._theirs)
        return Received(raw.port, message)

    def receive(self, timeout: float | None = 5.0) -> Message | None:
        """Return the next message as :meth:`receive_from` does, without its port."""
        received = self.receive_from(timeout)
        return None if received is None else received.message

    def expect(self, message_class: type[M], timeout: float = 5.0) -> M:
        """
        Return the next message of a class.

        :raises TimeoutError: none has come.
        :raises AssertionError: the other end closed first.
        """
        name = message_class.__name__
        deadline = time.monotonic() + timeout
        while True:
            try:
                message = self.receive(max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                raise TimeoutError(
                    f"no {name} in {timeout:g} s, but {self.others}"
                ) from None
            if isinstance(message, message_class):
                return message
            if message is None:
                raise AssertionError(f"closed without a {name}, after {self.others}")
            self.others.append(message)

    def drain(self, seconds: float) -> list[Message]:
        """Return all messages that come in the next *seconds*."""
        messages: list[Message] = []
        deadline = time.monotonic() + seconds
        try:
            while message := self.receive(max(0.0, deadline - time.monotonic())):
                messages.append(message)
        except TimeoutError:
            pass
        return messages

    def closed(self, timeout: float = 5.0) -> bool:
        """Tell whether the other end closes the connection in time."""
        deadline = time.monotonic() + timeout
        try:
            while message := self.receive(max(0.0, deadline - time.monotonic())):
                self.others.append(message)
        except TimeoutError:
            return False
        return True

    def _next_raw(self) -> RawMessage | None:
        """Take the next whole message out of the reader and check its chunks."""
        while True:
            try:
                event = self._reader.next_event()
            except RemoteProtocolError as error:
                raise AssertionError(str(error)) from error
            if event is None:
                return None
            if isinstance(event, RawMessage):
                self._begun.remove(event.port)
                return event
            assert isinstance(event, ChunkHeader), f"too large to keep: {event}"
            if event.port not in self._begun:
                assert event.size >= MESSAGE_HEADER.size, f"header cut: {event}"
                self._begun.add(event.port)

    def _await_readable(self, deadline: float | None, timeout: float | None) -> None:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        readable, _, _ = select.select([self._connection], [], [], left)
        if not readable:
            raise TimeoutError(f"nothing came in {timeout} s")
