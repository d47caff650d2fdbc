"""A real agent behind a relay, as behind QEMU, and vdproxy in front of both."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from tests.peers.daemon import Vdproxy
from tests.peers.model_agent import LINUX
from tests.peers.programs import wait_for
from tests.peers.rawclient import RawClient
from tests.peers.relay import ChardevRelay
from tests.peers.vdagentd import RealAgent
from tests.peers.viewer import Viewer
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.constants import Capability, MessageType, ReplyError
from vdproxy.wire.messages import MonConfig, MonitorsConfig, Reply

BY_DEMAND = Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND
SELECTION = Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION
GRAB_SERIAL = Capability.VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL

#: What handlers make true themselves, whatever the agent can do.
PROVIDED = Capabilities.of(
    BY_DEMAND,
    SELECTION,
    GRAB_SERIAL,
    Capability.VD_AGENT_CAP_CLIPBOARD_NO_RELEASE_ON_REGRAB,
    Capability.VD_AGENT_CAP_FILE_XFER_DETAILED_ERRORS,
)

#: What clients of the Linux agent are shown: all it can do is relayed.
OFFER = Capabilities.from_words([LINUX]) | PROVIDED

ACCEPTED = Reply(MessageType.VD_AGENT_MONITORS_CONFIG, ReplyError.VD_AGENT_SUCCESS)

#: How clients announce the clipboard, a layout each. Without NO_RELEASE_ON_REGRAB
#: a RELEASE of theirs may be the first half of a new GRAB for half a second.
LAYOUTS = {
    "plain": Capabilities.of(BY_DEMAND),
    "selection": Capabilities.of(BY_DEMAND, SELECTION),
    "serial": Capabilities.of(BY_DEMAND, SELECTION, GRAB_SERIAL),
}

#: Within how many seconds a paste in the guest ends: as long as vdproxy waits for an
#: owner, and xclip may take to start besides.
_PASTE_SECONDS = 4.0

#: What separates the lines of one value in a configuration.
_NEXT = "\n    "

#: What GTK tells of each selection of its own, and xclip does not.
_GTK_TARGET = "TIMESTAMP"


class Guest:
    """
    One agent and one vdproxy.

    *options* are lines for vdproxy's configuration, behind those of the VM. Clients
    may have one of *names*, and vdproxy the *plugins* of a folder. With *direct*
    there is no relay: vdproxy listens, the agent connects to it, and its end is seen.
    """

    def __init__(
        self,
        directory: Path,
        options: str = "",
        *,
        names: Iterable[str] = (),
        plugins: Path | None = None,
        direct: bool = False,
    ) -> None:
        self.direct = direct
        self._stack = ExitStack()
        self._relay: ChardevRelay | None = None
        self.clients_path = directory / "clients.sock"
        self._named_paths = {name: directory / f"{name}.sock" for name in names}
        clients = [f"vdi unix:{self.clients_path}"]
        clients += [f"vdi unix:{p} as {name}" for name, p in self._named_paths.items()]
        port, host = directory / "guest.sock", directory / "host.sock"
        ini = f"""
[vm:real]
{f"guest-listen = unix:{port}" if direct else f"guest = unix:{host}"}
clients = {_NEXT.join(clients)}
{options}
"""
        self.vdproxy = Vdproxy(directory / "proxy", ini, plugins=plugins)
        self.agent = RealAgent(directory, port)
        try:
            if not direct:
                self._relay = self._stack.enter_context(ChardevRelay(port, host))
            self._stack.enter_context(self.vdproxy)
            wait_for(port.is_socket, 10, "a port for the agent")
            self._stack.enter_context(self.agent)
            self.wait_until_up(1)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._stack.close()

    @property
    def relay(self) -> ChardevRelay:
        assert self._relay is not None, "this guest has none"
        return self._relay

    def connect(self) -> RawClient:
        """Return a client that has not shaken hands."""
        return RawClient.connect(self.clients_path)

    def viewer(self, caps: Capabilities = OFFER, name: str = "") -> Viewer:
        """Return a client that has announced *caps*."""
        path = self._named_paths[name] if name else self.clients_path
        return Viewer(path, caps)

    def restart_agent(self) -> None:
        """Start a new agent where one has been killed, and wait for vdproxy."""
        before = self.times_up()
        self.agent.start_daemon()
        self.agent.start_session()
        self.wait_until_up(before + 1)

    def times_up(self) -> int:
        return self.vdproxy.log.count("agent is up")

    def wait_until_up(self, times: int) -> None:
        wait_for(
            lambda: self.times_up() >= times,
            10,
            f"{times} handshakes",
            lambda: self.vdproxy.log + self.agent.log,
        )

    def wait_until_offered(self, selection: str = "clipboard") -> None:
        """Wait until the guest's desktop has heard that a client owns *selection*."""
        wait_for(
            lambda: self.offered(selection), 10, f"{selection} of a client in the guest"
        )

    def wait_until_free(self, selection: str = "clipboard") -> None:
        """Wait until nobody owns *selection* in the guest's desktop."""
        wait_for(
            lambda: not self.agent.targets(selection), 10, f"{selection} without owner"
        )

    def pasted(self) -> str:
        """Return what an application gets that pastes text: nothing, if none comes."""
        try:
            return self.agent.paste_as("UTF8_STRING", seconds=_PASTE_SECONDS).decode()
        except subprocess.CalledProcessError:
            return ""

    def offered(self, selection: str = "clipboard") -> bool:
        """Tell whether the guest's *selection* is owned by its session agent."""
        return _GTK_TARGET in self.agent.targets(selection)


def resize(client: RawClient, width: int, height: int) -> None:
    client.send(MonitorsConfig(0, (MonConfig(width, height),)))
    assert client.expect(Reply) == ACCEPTED
