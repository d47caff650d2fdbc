"""QEMU with a port, vdproxy in front of it, and agents that come and go."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.peers.daemon import Vdproxy
from tests.peers.programs import wait_for
from tests.peers.rawclient import RawClient
from tests.peers.viewer import Viewer
from tests.qemu.machine import Machine
from tests.qemu.port_socket import PortAgent
from tests.real.guest import ACCEPTED, OFFER
from vdproxy.wire.messages import MonConfig, MonitorsConfig, Reply

_PATIENCE = 15.0


class Scene:
    """
    A machine and a vdproxy, both running within the context.

    With *connects* it is QEMU that connects; with *watched* vdproxy is given QMP.
    """

    def __init__(
        self, directory: Path, *, connects: bool = False, watched: bool = False
    ) -> None:
        self.port_path = directory / "port.sock"
        self.machine = Machine(directory, self.port_path, connects=connects)
        self._directory = directory
        self._key = "guest-listen" if connects else "guest"
        self._watched = watched
        self.vdproxy = self.another_vdproxy("first")
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.machine)
            stack.enter_context(self.vdproxy)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def another_vdproxy(self, name: str) -> Vdproxy:
        """Return a vdproxy for the same machine that has yet to be started."""
        lines = [
            "[vm:bare]",
            f"{self._key} = unix:{self.port_path}",
            f"clients = vdi unix:{self._clients_of(name)}",
        ]
        if self._watched:
            lines.append(f"qmp = unix:{self.machine.qmp}")
        return Vdproxy(self._directory / name, "\n".join(lines))

    def agent(self, *, announce: bool = True) -> PortAgent:
        """Return a new agent, which has opened the port."""
        path = self._directory / "agent.sock"
        return PortAgent(self.machine.port, path, announce=announce)

    def connect(self) -> RawClient:
        """Return a client that has not shaken hands."""
        return RawClient.connect(self._clients_of("first"))

    def viewer(self, vdproxy: str = "first") -> Viewer:
        """
        Return a client of the vdproxy of that name, for which an agent is up.

        It is closed at the end of the context, and fails the test by what went wrong.
        """
        return self._stack.enter_context(Viewer(self._clients_of(vdproxy), OFFER))

    @property
    def handshakes(self) -> int:
        """How often vdproxy has shaken hands with an agent."""
        return self.vdproxy.log.count("agent is up")

    @property
    def connections(self) -> int:
        """How often vdproxy has been connected to the port."""
        return self.vdproxy.log.count("connected to the guest's port")

    def wait_until_connected(self, times: int) -> None:
        """Wait until vdproxy has been connected *times* times."""
        wait_for(
            lambda: self.connections >= times,
            _PATIENCE,
            f"{times} connections",
            lambda: self.vdproxy.log,
        )

    def wait_until_unread(self) -> None:
        """Wait until an agent that stalls has left all unread that QEMU takes."""
        wait_for(lambda: self.machine.port.is_full, _PATIENCE, "a full port")

    def _clients_of(self, name: str) -> Path:
        return self._directory / f"{name}.sock"


def check_service(agent: PortAgent, viewer: Viewer) -> None:
    """Fail if *viewer* is not served by *agent*, now or soon."""

    def is_served() -> bool:
        viewer.skip(Reply)
        viewer.send(MonitorsConfig(0, (MonConfig(800, 600),)))
        return viewer.expect(Reply) == ACCEPTED

    wait_for(is_served, _PATIENCE, "service")
    agent.expect(MonitorsConfig)
