"""Starting up: how long it takes from exec to the first answer."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from bench import crowd
from bench.crowd import Command
from bench.processes import running
from bench.race import Figures, Race
from bench.relays import CLIENTS
from bench.speech import PATIENCE, connect, reach
from tests.peers.usage import cpu_seconds_of
from vdproxy.wire.messages import MonConfig, MonitorsConfig, Reply

_LOG = "startup.log"
_VMS = {"1 VM": 1, "64 VMs": 64}

_MONITORS = MonitorsConfig(0, (MonConfig(1024, 768),))


def ran(directory: Path) -> Figures:
    """Run Python for nothing, which is what nothing in Python can be faster than."""
    began = time.perf_counter()
    with running([sys.executable, "-c", "pass"], directory / _LOG) as program:
        program.wait(PATIENCE)
    return {"s": time.perf_counter() - began}


def started(
    directory: Path, command: Command, answered: Callable[[Path], None]
) -> Figures:
    """Run a program until it has *answered* whoever connects to its socket."""
    prepared = command(directory)
    began = time.perf_counter()
    with running(prepared, directory / _LOG) as program:
        answered(directory / CLIENTS)
        took = time.perf_counter() - began
        return {"s": took, "CPU s": cpu_seconds_of(program.pid)}


def greeted(path: Path) -> None:
    """Wait until a service says something by itself."""
    with reach(path) as connection:
        connection.settimeout(PATIENCE)
        assert connection.recv(1), "it has closed without a word"


def obeyed(path: Path) -> None:
    """Wait until a guest has announced itself and set its monitors as it is told."""
    connection, client = connect(path)
    with connection:
        client.send(_MONITORS)
        client.expect(Reply, PATIENCE)


def run(rounds: int) -> Iterator[Race]:
    """Measure what 1 VM takes to start with, and 64."""
    for name, vms in _VMS.items():
        with crowd.stage(vms) as directory:
            contestants: Mapping[str, Callable[[], Figures]] = {
                "python": partial(ran, directory),
                "twistd": partial(started, directory, crowd.empty, greeted),
                "bare": partial(started, directory, crowd.bare, obeyed),
                "vdproxy": partial(started, directory, crowd.vdproxy(vms), obeyed),
            }
            race = Race(f"start of {name}", against=["python", "twistd", "bare"])
            race.run(contestants, rounds)
        yield race
