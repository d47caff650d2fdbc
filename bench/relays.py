"""What stands between a guest and its clients: vdproxy, and what it is held to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import running
from tests.peers.programs import find_program, wait_for

#: Seconds in which a relay is to listen.
_PATIENCE = 30.0

#: Names of sockets.
GUEST = "guest.sock"
CLIENTS = "clients.sock"

#: What vdproxy is told where a bound, and not the work, would be measured.
PROCESS = "max-clients = 3000\nmax-clients-per-uid = 3000\nmax-memory = 2G"
VM = "max-rate = 10000000\nmax-clients = 3000"
HANDLERS = "[handler:clipboard]\nmax-grabs = 100000"


@dataclass(frozen=True)
class Relay:
    """
    A relay that runs.

    ``clients`` is where its clients connect, ``pid`` its process if it has one, and
    ``cuts`` whether it cuts what the guest says into chunks.
    """

    clients: Path
    pid: int | None = None
    cuts: bool = False


#: Starts a relay in a directory, for the guest that listens on a path there.
Starter = Callable[[Path], AbstractContextManager[Relay]]


@contextmanager
def direct(directory: Path) -> Iterator[Relay]:
    """Have the client connect to the guest itself."""
    yield Relay(directory / GUEST)


@contextmanager
def socat(directory: Path) -> Iterator[Relay]:
    """Have socat copy bytes, in blocks of 8 KiB as it does by itself."""
    command = [find_program("socat", "socat")]
    command += [f"UNIX-LISTEN:{CLIENTS}", f"UNIX-CONNECT:{GUEST}"]
    with listening(command, directory) as pid:
        yield Relay(directory / CLIENTS, pid)


def twisted(*options: str, cuts: bool = False) -> Starter:
    """
    Return what has Twisted copy bytes, with *options* of bench/bare.py.

    *cuts* says whether it cuts messages into chunks by that.
    """

    @contextmanager
    def start(directory: Path) -> Iterator[Relay]:
        command = [sys.executable, "-m", "bench.bare", GUEST, CLIENTS, *options]
        with listening(command, directory) as pid:
            yield Relay(directory / CLIENTS, pid, cuts)

    return start


def vdproxy(vm: str = "", *arguments: str, vms: int = 1) -> Starter:
    """
    Return what starts vdproxy for so many VMs.

    *vm* are further lines of the first one's section, *arguments* are for the
    command line.
    """

    @contextmanager
    def start(directory: Path) -> Iterator[Relay]:
        (directory / "vm.ini").write_text(configuration(vms, vm))
        with listening(daemon(*arguments), directory) as pid:
            yield Relay(directory / CLIENTS, pid, cuts=True)

    return start


def configuration(vms: int = 1, first: str = "") -> str:
    """Return a configuration of so many VMs, with these lines for the first."""
    sections = [f"[vdproxy]\n{PROCESS}\n{HANDLERS}\n"]
    for vm in range(vms):
        guest, clients = numbered(GUEST, vm), numbered(CLIENTS, vm)
        lines = f"guest = unix:{guest}\nclients = vdi unix:{clients}\n{VM}\n"
        sections.append(f"[vm:{vm}]\n{lines}" + (f"{first}\n" if not vm else ""))
    return "".join(sections)


def numbered(name: str, vm: int) -> str:
    """Return the name of a socket of one of many VMs; the first has number 0."""
    return f"{name}.{vm}" if vm else name


def daemon(*arguments: str) -> list[str]:
    """Return the command that runs vdproxy on the ``vm.ini`` where it is started."""
    twistd = Path(sys.executable).parent / "twistd"
    command = [str(twistd), "-n", "--pidfile=", "vdproxy", "-c", "vm.ini"]
    return [*command, *arguments]


@contextmanager
def listening(
    command: list[str], directory: Path, socket: str = CLIENTS
) -> Iterator[int]:
    """Run a relay until it is not needed any more; yield its process id."""
    with running(command, directory / "relay.log") as program:
        wait_for(
            lambda: (directory / socket).is_socket() or not program.running,
            _PATIENCE,
            f"socket of {command[0]}",
            lambda: program.log,
        )
        assert program.running, program.log
        yield program.pid
