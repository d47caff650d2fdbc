"""vdproxy in front of a Linux guest in QEMU."""

from __future__ import annotations

import random
from hashlib import sha256
from pathlib import Path

from tests.peers.daemon import Vdproxy
from tests.peers.programs import wait_for
from tests.peers.viewer import Viewer
from tests.qemu.guest.linux import Linux
from tests.real.guest import OFFER

#: How long the guest may take to boot, and vdproxy to find its agent, seconds.
_PATIENCE = 60.0

#: A line of the text that the guest can make of any size, and its size, bytes.
_LINE = "a line of text\n"

#: Where files go in the guest.
_FILES = "/tmp/files"

#: Waits in the background, and starts no program for it, which would take too long.
_FREEZE = """
pid=$(pidof spice-vdagentd)
read_counts() {{ {{ read -r _ rchar && read -r _ wchar; }} </proc/$pid/io; }}
read_counts
end=$(({count} + {size}))
while [ ${count} -lt $end ]; do read_counts; done && kill -STOP $pid &
"""

#: GTK tells this target of a selection of its own, and xclip does not.
_AWAIT_OFFER = """
for _ in $(seq 100); do
    targets=$(timeout 2 xclip -out -selection clipboard -target TARGETS)
    case $targets in *TIMESTAMP*) exit ;; esac
    usleep 50000
done
exit 1
"""


def text(size: int) -> bytes:
    """Return the text that :meth:`ProxiedGuest.copy` copies."""
    return (_LINE * (size // len(_LINE) + 1))[:size].encode()


def noise(size: int) -> bytes:
    """Return the same bytes for the same size."""
    return random.Random(size).randbytes(size)


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


class ProxiedGuest:
    """
    One guest whose agent runs, and one vdproxy.

    With *told* vdproxy is connected to QEMU's monitor too.
    """

    def __init__(self, linux: Linux, directory: Path, *, told: bool) -> None:
        self.linux = linux
        self._clients = directory / "clients.sock"
        ini = f"""
[vm:linux]
guest = unix:{linux.agent_port}
clients = vdi unix:{self._clients}
{f"qmp = unix:{linux.qmp}" if told else ""}
"""
        self.vdproxy = Vdproxy(directory / "proxy", ini)

    def viewer(self) -> Viewer:
        """Return a client that has announced all there is."""
        return Viewer(self._clients, OFFER)

    @property
    def times_up(self) -> int:
        """How often vdproxy has found an agent."""
        return self.vdproxy.log.count("agent is up")

    def wait_until_up(self, times: int) -> None:
        """Wait until vdproxy has found an agent so many times."""
        wait_for(
            lambda: self.times_up >= times,
            _PATIENCE,
            f"{times} handshakes",
            lambda: f"{self.vdproxy.log}\n{self.linux.log}",
        )

    def start_agent(self) -> None:
        """Start a new agent and return when it opens its port."""
        self.linux.run("start-agent")

    def freeze_agent_after(self, size: int, *, count: str) -> None:
        """
        Have the agent's daemon stop in the middle of what it does next.

        *count* is ``rchar`` or ``wchar``: what it reads or what it writes. It gets to
        *size* bytes of that.
        """
        self.linux.run(_FREEZE.format(size=size, count=count))

    def wait_until_frozen(self) -> None:
        """Wait for what :meth:`freeze_agent_after` brings."""
        state = "/proc/$(pidof spice-vdagentd)/status"
        self.linux.run(f"until grep -q '^State:.T' {state}; do usleep 10000; done")

    def thaw_agent(self) -> None:
        """Let the frozen daemon go on."""
        self.linux.run("killall -CONT spice-vdagentd")

    def kill_agent(self) -> None:
        """Kill the agent, daemon and session."""
        self.linux.run("killall -9 spice-vdagentd spice-vdagent")

    def copy(self, size: int) -> None:
        """Let a guest application own the clipboard with :func:`text`."""
        lines = f"yes '{_LINE.strip()}' | head -c {size}"
        self.linux.run(f"{lines} | xclip -in -selection clipboard >/dev/null 2>&1")

    def wait_until_offered(self) -> None:
        """Wait until the guest's desktop has heard that a client owns the clipboard."""
        self.linux.run(_AWAIT_OFFER)

    def pasted_digest(self) -> str:
        """Return the SHA-256 of the text that a guest application pastes."""
        paste = "xclip -out -selection clipboard -target UTF8_STRING"
        return self.linux.run(f"timeout 30 {paste} | sha256sum").split()[0]

    def file_digest(self, name: str) -> str:
        """Return the SHA-256 of a file that has been sent to the guest."""
        return self.linux.run(f"sha256sum '{_FILES}/{name}'").split()[0]
