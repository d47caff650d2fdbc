"""A guest's virtio port as a Unix socket, for one agent."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from pathlib import Path
from typing import Self

from tests.peers.model_agent import ModelAgent
from tests.qemu.vport import VirtioPort

#: How long an agent may take to connect, and how often the port is looked at, seconds.
_PATIENCE = 5.0
_INTERVAL = 0.002

_READ = 65536


class PortSocket:
    """
    Lets one agent have the port by connecting to the Unix socket *path*.

    A thread opens the port when it does and closes it when it leaves, as the kernel
    does for a program. Until :meth:`close` nobody else may use the port. An agent
    whose machine has ended sees its connection closed.
    """

    def __init__(self, port: VirtioPort, path: Path) -> None:
        self._port = port
        self._path = path
        self._reads = True
        self._reopens = False
        self._closing = False
        self._error: BaseException | None = None
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self._listener.settimeout(_PATIENCE)
        self._thread = threading.Thread(
            target=self._run, name="PortSocket", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def stall(self) -> None:
        """Read nothing more for the agent, as if it hung."""
        self._reads = False

    def reopen(self) -> None:
        """Close the port and open it again, soon and between two looks of the host."""
        self._reopens = True

    def close(self) -> None:
        """
        Wait until the agent has left and raise what went wrong in the thread.

        What it has said and the host does not read is lost.
        """
        self._closing = True
        self._thread.join()
        self._listener.close()
        self._path.unlink(missing_ok=True)
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            agent, _ = self._listener.accept()
            with agent, contextlib.suppress(ConnectionError):
                self._port.open()
                self._serve(agent)
                self._port.close()
        except BaseException as error:  # noqa: BLE001 - close() raises it again
            self._error = error

    def _serve(self, agent: socket.socket) -> None:
        to_agent = to_host = b""
        while not (self._closing and to_host):
            if self._reopens:
                self._reopens = False
                self._port.close()
                self._port.open()
            if self._reads and not to_agent:
                to_agent = self._port.read()
            if to_host:
                to_host = to_host[self._port.write(to_host) :]
            readable, writable, _ = select.select(
                [] if to_host else [agent], [agent] if to_agent else [], [], _INTERVAL
            )
            if readable:
                to_host = agent.recv(_READ)
                if not to_host:
                    return
            if writable:
                to_agent = to_agent[agent.send(to_agent) :]


class PortAgent(ModelAgent):
    """A model agent in the guest, which opens the port and, at its end, closes it."""

    def __init__(self, port: VirtioPort, path: Path, *, announce: bool = True) -> None:
        """Have *port*, by way of the Unix socket *path*."""
        self._port_socket = PortSocket(port, path)
        try:
            super().__init__(path, announce=announce)
        except BaseException:
            self._port_socket.close()
            raise

    def stall(self) -> None:
        """Read nothing more, as an agent that hangs."""
        self._port_socket.stall()

    def reopen(self) -> None:
        """Close the port and open it in silence, as spice-vdagentd after nonsense."""
        self._port_socket.reopen()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._port_socket.close()
