"""A scripted guest agent, of the Linux kind or the Windows kind."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from typing import Self, TypeVar

from tests.peers.programs import wait_for
from tests.peers.rawclient import RawClient, Received
from vdproxy.wire.assembly import MESSAGE_HEADER
from vdproxy.wire.chunk import CHUNK_HEADER
from vdproxy.wire.constants import VD_AGENT_PROTOCOL, MessageType, Port, ReplyError
from vdproxy.wire.messages import AnnounceCapabilities, Message, MonitorsConfig, Reply

M = TypeVar("M", bound=Message)

#: What spice-vdagentd 0.22 and the Windows agent announce.
LINUX = 0x00038DE7
WINDOWS = 0x000006B7


class ModelAgent:
    """
    An agent that shakes hands and takes monitors, and does the rest as told.

    It connects to the Unix socket *path*; with *listen* it is QEMU as well,
    listens there and waits for :meth:`accept`. *caps* is the word it announces,
    with request=1 as soon as there is a connection unless *announce* is False.

    A thread reads, keeps everything in ``received`` and gives the two answers;
    :meth:`close` raises what went wrong there, such as a chunk that breaks the
    rules of :class:`~tests.peers.rawclient.RawClient`.
    """

    def __init__(
        self,
        path: Path,
        *,
        listen: bool = False,
        caps: int = LINUX,
        announce: bool = True,
    ) -> None:
        self.received: list[Received] = []
        self._caps = caps
        self._expected = 0
        self._lock = threading.Lock()
        self._error: BaseException | None = None
        self._connection: socket.socket | None = None
        self._link: RawClient | None = None
        self._thread: threading.Thread | None = None
        self._listener: socket.socket | None = None
        self._socket_file: Path | None = None
        end = socket.socket(socket.AF_UNIX)
        try:
            if listen:
                end.bind(str(path))
                end.listen(1)
            else:
                end.connect(str(path))
        except BaseException:
            end.close()
            raise
        if listen:
            self._listener, self._socket_file = end, path
        else:
            self._begin(end, announce)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def accept(self, timeout: float = 5.0, *, announce: bool = True) -> None:
        """
        Take the next connection, hanging up the present one.

        An agent that has merely lost its host does not announce again.
        """
        assert self._listener is not None, "this agent connects"
        self.hang_up()
        self._listener.settimeout(timeout)
        connection, _ = self._listener.accept()
        self._begin(connection, announce)

    def hang_up(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is None or self._thread is None:
            return
        with contextlib.suppress(OSError):  # The other end may have been first.
            self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._connection.close()
        self._connection = self._thread = None

    def close(self) -> None:
        """Close everything and raise what went wrong in the thread."""
        self.hang_up()
        if self._listener is not None and self._socket_file is not None:
            self._listener.close()
            self._socket_file.unlink(missing_ok=True)
        if self._error is not None:
            raise self._error

    def announce(self, request: int) -> None:
        """Send an ANNOUNCE_CAPABILITIES."""
        self._connected().note_announced((self._caps,))
        self.send(AnnounceCapabilities(request, (self._caps,)))

    def send(self, message: Message, port: int = Port.VDP_CLIENT_PORT) -> None:
        """Send a message as spice-vdagentd does: in one chunk, whatever its size."""
        with self._lock:
            link = self._connected()
            payload = link.encode(message)
            head = MESSAGE_HEADER.pack(
                VD_AGENT_PROTOCOL, message.number, 0, len(payload)
            )
            chunk = CHUNK_HEADER.pack(port, len(head) + len(payload))
            link.send_bytes(chunk + head + payload)

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        with self._lock:
            self._connected().send_bytes(data)

    def expect(self, message_class: type[M], timeout: float = 5.0) -> M:
        """
        Wait for a message of a class and return it.

        Each call goes on in ``received`` behind what the last one returned.
        """
        return wait_for(
            lambda: self._find(message_class),
            timeout,
            f"{message_class.__name__} at the agent",
            lambda: f"received {self.received[self._expected :]}, {self._error!r}",
        )

    def _find(self, message_class: type[M]) -> M | None:
        for index in range(self._expected, len(self.received)):
            message = self.received[index].message
            if isinstance(message, message_class):
                self._expected = index + 1
                return message
        return None

    def _begin(self, connection: socket.socket, announce: bool) -> None:
        self._connection = connection
        link = self._link = RawClient(connection)
        if announce:
            self.announce(1)
        self._thread = threading.Thread(
            target=self._run, args=[link], name="ModelAgent", daemon=True
        )
        self._thread.start()

    def _connected(self) -> RawClient:
        assert self._link is not None, "this agent has had no connection yet"
        return self._link

    def _run(self, link: RawClient) -> None:
        try:
            while received := link.receive_from(None):
                self._answer(received)
                self.received.append(received)
        except ConnectionError:
            pass  # The other end left without waiting for an answer.
        except BaseException as error:  # noqa: BLE001 - close() raises it again
            self._error = error

    def _answer(self, received: Received) -> None:
        port, message = received
        if isinstance(message, AnnounceCapabilities) and message.request:
            self.announce(0)
        elif isinstance(message, MonitorsConfig):
            kind = MessageType.VD_AGENT_MONITORS_CONFIG
            self.send(Reply(kind, ReplyError.VD_AGENT_SUCCESS), port)
