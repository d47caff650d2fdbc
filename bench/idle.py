"""
What VMs and clients take that say nothing.

Memory is that of a process that is started anew for each round, when it has come to
rest. The processes whose use of the processor is measured run side by side, from the
first round to the last: none of them is in another's way.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench import crowd, relays, stand
from bench.crowd import Command
from bench.race import Figures, Goal, Race
from bench.relays import CLIENTS, listening, numbered
from tests.peers.usage import cpu_seconds_of, proportional_of, resident_of

#: KiB in a MiB.
KIB = 1024

#: VMs and clients: one, as many as a host may well have, and enough to tell by what
#: one more takes.
_SOME = 64
_VMS = (1, _SOME, 500)
_CLIENTS = (1, _SOME, 1000)

#: What many processes have is compared by: Pss, where shared memory counts but once.
_COMPARED = f"Pss MiB at {_SOME}"

#: Seconds over which the use of the processor is measured.
_WINDOW = 10.0

#: Seconds without work after which a process is at rest, and tries until then.
_REST = 0.5
_TRIES = 100

#: Descriptors that a process may have: some have two a client.
_DESCRIPTORS = 4096


@dataclass(frozen=True)
class Quiet:
    """So many VMs, and clients of them, behind what a command runs."""

    command: Command
    vms: int = 1
    clients: int = 0

    @contextmanager
    def running(self) -> Iterator[tuple[Path, int]]:
        """Have them come to rest; yield the directory of sockets and the process."""
        last = numbered(CLIENTS, self.vms - 1)
        with (
            crowd.stage(self.vms) as directory,
            listening(self.command(directory), directory, last) as pid,
            crowd.clients(directory, self.vms, self.clients),
        ):
            _rest(pid)
            yield directory, pid


_VDPROXY = {vms: Quiet(crowd.vdproxy(vms), vms) for vms in _VMS}
_BARE = Quiet(crowd.bare)
_EMPTY = Quiet(crowd.empty)

#: Whose use of the processor is measured.
_QUIET: Mapping[str, Quiet] = {
    "twistd": _EMPTY,
    "bare, 1000 clients": replace(_BARE, clients=1000),
    "1 VM": _VDPROXY[1],
    "64 VMs": _VDPROXY[64],
    "500 VMs": _VDPROXY[500],
    "1 VM, 64 clients": replace(_VDPROXY[1], clients=64),
    "1 VM, 1000 clients": replace(_VDPROXY[1], clients=1000),
    "64 VMs, 1000 clients": replace(_VDPROXY[64], clients=1000),
}


def vdproxy_with_vms() -> Figures:
    """Have vdproxy serve any number of VMs without clients."""
    own, shared = {}, {}
    for vms, quiet in _VDPROXY.items():
        with quiet.running() as (directory, pid):
            own[vms], shared[vms] = resident_of(pid), proportional_of(pid)
            # Each would wait for ever for a guest that is not up.
            with crowd.clients(directory, vms, vms):
                pass
    return {
        _COMPARED: shared[_SOME] / KIB,
        **_sizes(own),
        "KiB a further VM": _each_further(own),
    }


def socat_with_vms() -> Figures:
    """Have one socat a VM wait for a client; they share what they can."""
    with stand.directory() as directory, ExitStack() as stack:
        pids = []
        for vm in range(_SOME):
            own = directory / str(vm)
            own.mkdir()
            pids.append(stack.enter_context(relays.socat(own)).pid)
        return {_COMPARED: sum(proportional_of(pid) for pid in pids if pid) / KIB}


def twistd_without() -> Figures:
    """Have twistd do nothing, which takes the same for any number of VMs."""
    with _EMPTY.running() as (_, pid):
        own = dict.fromkeys(_VMS, resident_of(pid))
        return {_COMPARED: proportional_of(pid) / KIB, **_sizes(own)}


def with_clients(quiet: Quiet) -> Figures:
    """Connect more and more clients."""
    held = {}
    with quiet.running() as (directory, pid), ExitStack() as stack:
        there = 0
        for count in _CLIENTS:
            more = crowd.clients(directory, quiet.vms, count - there)
            stack.enter_context(more)
            there = count
            _rest(pid)
            held[count] = resident_of(pid)
    return {"KiB a further client": _each_further(held), **_sizes(held)}


def _rest(pid: int) -> None:
    """Wait until a process has nothing more to do."""
    for _ in range(_TRIES):
        used = cpu_seconds_of(pid)
        time.sleep(_REST)
        if cpu_seconds_of(pid) == used:
            return
    raise AssertionError(f"process {pid} does not come to rest")


def _sizes(held: Mapping[int, int]) -> Figures:
    return {f"MiB at {count}": size / KIB for count, size in held.items()}


def _each_further(held: Mapping[int, int]) -> float:
    """Return what each takes between the last two numbers of them, KiB."""
    _, some, many = sorted(held)
    return (held[many] - held[some]) / (many - some)


def _side_by_side(rounds: int) -> Race:
    """Measure how much of a core all take in the same time."""
    outcome = Race(
        "idle, use of the processor",
        goals=[Goal("% of a core", "500 VMs", at_most=0.5)],
    )
    with ExitStack() as stack:
        pids = {n: stack.enter_context(q.running())[1] for n, q in _QUIET.items()}
        outcome.results = {name: [] for name in pids}
        for _ in range(rounds):
            before = {
                name: (_wake_ups(p), cpu_seconds_of(p)) for name, p in pids.items()
            }
            time.sleep(_WINDOW)
            for name, pid in pids.items():
                woken, used = before[name]
                outcome.results[name].append(
                    {
                        "% of a core": (cpu_seconds_of(pid) - used) / _WINDOW * 100,
                        "wake-ups/s": (_wake_ups(pid) - woken) / _WINDOW,
                    }
                )
    return outcome


def _wake_ups(pid: int) -> int:
    """Return how often a process has waited for something."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])


def run(rounds: int) -> Iterator[Race]:
    """Measure the memory of VMs and of clients, and their use of the processor."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_DESCRIPTORS, hard), hard))
    vms = Race(
        "idle VMs",
        against=["twistd", "socat"],
        goals=[
            Goal(f"MiB at {_SOME}", "vdproxy", at_most=60),
            Goal("KiB a further VM", "vdproxy", at_most=40),
        ],
    )
    vms.run(
        {
            "twistd": twistd_without,
            "socat": socat_with_vms,
            "vdproxy": vdproxy_with_vms,
        },
        rounds,
    )
    yield vms
    clients = Race(
        "idle clients",
        against=["bare"],
        goals=[
            Goal("KiB a further client", "vdproxy", at_most=20),
            Goal("KiB a further client", "vdproxy, 64 VMs", at_most=20),
        ],
    )
    clients.run(
        {
            "bare": partial(with_clients, _BARE),
            "vdproxy": partial(with_clients, _VDPROXY[1]),
            "vdproxy, 64 VMs": partial(with_clients, _VDPROXY[64]),
        },
        rounds,
    )
    yield clients
    yield _side_by_side(rounds)
