"""QEMU's socket chardev in front of an agent's virtio port."""

from __future__ import annotations

import select
import socket
import threading
from pathlib import Path
from typing import Self

#: The most a chardev reads at once from its host, bytes.
_HOST_READ = 4096
_GUEST_READ = 32768

_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR
_WRITABLE = select.POLLOUT | select.POLLHUP | select.POLLERR


class ChardevRelay:
    """
    Carries bytes between an agent and vdproxy as QEMU does, in its own thread.

    It listens on *guest_path*, where spice-vdagentd connects, and on
    *host_path*, where vdproxy does. Of each kind one connection is served, the
    next waits until it has ended.

    - What the agent sends while no host is connected is lost.
    - When the agent closes, the host sees nothing of it. What the host sends
      then stays unread and goes to the next agent; what the relay has read
      already is lost, as it is in a virtqueue.
    - When the host closes, the agent's connection is closed, so that the agent
      connects anew. Not so before the agent got a first byte over it:
      spice-vdagentd takes the end of the stream for a host that is still to
      come, keeps the port and would wait for ever.
    """

    def __init__(self, guest_path: Path, host_path: Path) -> None:
        self.bytes_to_host = 0
        self.bytes_to_guest = 0
        self._host: socket.socket | None = None
        self._guest: socket.socket | None = None
        self._to_host = b""
        self._to_guest = b""
        self._guest_heard = False
        self._guest_deaf = False
        self._lock = threading.Lock()
        self._may_pass: int | None = None
        self._error: BaseException | None = None
        self._waker, self._woken = socket.socketpair()
        self._paths = (guest_path, host_path)
        self._guest_listener = _listen(guest_path)
        self._host_listener = _listen(host_path)
        self._thread = threading.Thread(
            target=self._run, name="ChardevRelay", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def host_connected(self) -> bool:
        return self._host is not None

    @property
    def guest_connected(self) -> bool:
        return self._guest is not None

    def cut_after(self, count: int) -> None:
        """
        Let only *count* more bytes of the connected agent through to the host.

        It is as if the agent were killed there, in the middle of a chunk say;
        the next agent's bytes follow on the cut.
        """
        with self._lock:
            self._may_pass = count

    def close(self) -> None:
        """Close everything and end the thread; raise what went wrong in it."""
        self._waker.close()
        self._thread.join()
        for end in (self._host, self._guest, self._guest_listener):
            if end is not None:
                end.close()
        self._host_listener.close()
        self._woken.close()
        for path in self._paths:
            path.unlink(missing_ok=True)
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while self._step():
                pass
        except BaseException as error:  # noqa: BLE001 - close() raises it again
            self._error = error

    def _step(self) -> bool:
        """Wait for something and deal with it; False when the relay is closed."""
        host, guest = self._host, self._guest
        host_wants, guest_wants = self._host_wants(), self._guest_wants()
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        if host is None:
            poll.register(self._host_listener, select.POLLIN)
        else:
            # Even with nothing wanted, poll tells that the host has closed.
            poll.register(host, host_wants)
        if guest is None:
            poll.register(self._guest_listener, select.POLLIN)
        elif guest_wants:
            poll.register(guest, guest_wants)
        ready = dict(poll.poll())
        if self._woken.fileno() in ready:
            return False
        if self._host_listener.fileno() in ready:
            self._host = _accept(self._host_listener)
        if self._guest_listener.fileno() in ready:
            self._guest = _accept(self._guest_listener)
            self._guest_heard = self._guest_deaf = False
        if guest is not None and (events := ready.get(guest.fileno())):
            self._serve_guest(guest, guest_wants, events)
        if host is not None and (events := ready.get(host.fileno())):
            self._serve_host(host, host_wants, events)
        return True

    def _serve_guest(self, guest: socket.socket, wants: int, events: int) -> None:
        if wants & select.POLLOUT and events & _WRITABLE:
            self._write_guest(guest)
        if wants & select.POLLIN and events & _READABLE:
            self._read_guest(guest)

    def _serve_host(self, host: socket.socket, wants: int, events: int) -> None:
        if self._host_wants() != wants:
            return  # Serving the guest has changed it: ask poll again.
        if wants & select.POLLOUT and events & _WRITABLE:
            self._write_host(host)
        elif wants & select.POLLIN and events & _READABLE:
            self._read_host(host)
        elif not wants:
            self._host_closed(host)

    def _host_wants(self) -> int:
        takes = self._guest is not None and not self._guest_deaf and not self._to_guest
        return (select.POLLIN if takes else 0) | (
            select.POLLOUT if self._to_host else 0
        )

    def _guest_wants(self) -> int:
        return (0 if self._to_host else select.POLLIN) | (
            select.POLLOUT if self._to_guest else 0
        )

    def _read_host(self, host: socket.socket) -> None:
        data = _receive(host, _HOST_READ)
        if not data:
            self._host_closed(host)
        elif self._guest is not None:
            self._to_guest = data
            self._write_guest(self._guest)

    def _write_guest(self, guest: socket.socket) -> None:
        try:
            sent = guest.send(self._to_guest)
        except BlockingIOError:
            return
        except OSError:
            # It has gone; what it sent before may still have to be read.
            self._guest_deaf = True
            self._to_guest = b""
            return
        self._guest_heard = True
        self.bytes_to_guest += sent
        self._to_guest = self._to_guest[sent:]

    def _read_guest(self, guest: socket.socket) -> None:
        data = _receive(guest, _GUEST_READ)
        if not data:
            self._drop_guest(guest)
            return
        if self._host is None:
            return
        with self._lock:
            if self._may_pass is not None:
                data = data[: self._may_pass]
                self._may_pass -= len(data)
        if data:
            self._to_host = data
            self._write_host(self._host)

    def _write_host(self, host: socket.socket) -> None:
        try:
            sent = host.send(self._to_host)
        except BlockingIOError:
            return
        except OSError:
            self._host_closed(host)
            return
        self.bytes_to_host += sent
        self._to_host = self._to_host[sent:]

    def _host_closed(self, host: socket.socket) -> None:
        host.close()
        self._host = None
        self._to_host = b""
        if self._guest is not None and self._guest_heard:
            self._drop_guest(self._guest)

    def _drop_guest(self, guest: socket.socket) -> None:
        guest.close()
        self._guest = None
        self._to_guest = b""
        with self._lock:
            self._may_pass = None


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(1)
    return listener


def _accept(listener: socket.socket) -> socket.socket:
    connection, _ = listener.accept()
    connection.setblocking(False)
    return connection


def _receive(connection: socket.socket, size: int) -> bytes:
    """Return what has come; nothing when the other end has closed."""
    try:
        return connection.recv(size)
    except ConnectionResetError:
        return b""
