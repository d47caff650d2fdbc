"""What other VMs feel of one VM's bulk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles

from bench import guests
from bench.bulk import on_the_wire, pusher
from bench.race import Figures, Goal, Race
from bench.relays import CLIENTS, GUEST, numbered, vdproxy
from bench.speech import GRAB, PATIENCE, REQUEST, by_host, connect, copied, read_all
from bench.stand import directory
from tests.peers.programs import helper
from vdproxy.wire.messages import ClipboardGrab

_QUIET_VMS = 63

#: Pastes of a round, and seconds between two of them.
_PASTES = 1000
_PAUSE = 0.002

#: Blocks of each file that is pushed: 16 MiB of them.
_BLOCKS = 256


def stream(clients: Path, parent: Connection) -> None:
    """Push files from "on" to "off"."""
    connection, client = connect(clients)
    push = pusher(connection, client, _BLOCKS, at_once=16)
    push()
    parent.send("ready")
    with connection:
        while True:
            try:
                told = parent.recv()
            except EOFError:
                return
            pushed = 0
            while told == "on" and not parent.poll():
                push()
                pushed += 1
            parent.send(pushed)


@contextmanager
def _vms() -> Iterator[tuple[list[Path], Connection]]:
    """Run 64 VMs; yield where the quiet ones' clients go, and who streams."""
    with directory() as folder, ExitStack() as stack:
        numbers = range(1, _QUIET_VMS + 1)
        bulk = helper(guests.files, folder / GUEST, on_the_wire(_BLOCKS))
        stack.enter_context(bulk).recv()
        quiet = helper(guests.many, [folder / numbered(GUEST, n) for n in numbers])
        stack.enter_context(quiet).recv()
        relay = stack.enter_context(vdproxy(vms=1 + _QUIET_VMS)(folder))
        streamer = stack.enter_context(helper(stream, relay.clients))
        streamer.recv()
        yield [folder / numbered(CLIENTS, n) for n in numbers], streamer


def run(rounds: int) -> Iterator[Race]:
    """Measure pastes of a word in 63 quiet VMs, without and with a stream beside."""
    coming = bytearray(len(by_host(copied(16))) + len(GRAB))
    with _vms() as (paths, streamer), ExitStack() as stack:
        connections = []
        for path in paths:
            connection, client = connect(path)
            connections.append(stack.enter_context(connection))
            client.expect(ClipboardGrab, PATIENCE)

        def paste() -> Figures:
            times = []
            for number in range(_PASTES):
                connection = connections[number % len(connections)]
                time.sleep(_PAUSE)
                began = time.perf_counter()
                connection.sendall(REQUEST)
                read_all(connection, coming)
                times.append(time.perf_counter() - began)
            cuts = quantiles(times, n=100)
            return {"p99 ms": cuts[98] * 1e3, "p50 ms": cuts[49] * 1e3}

        def beside() -> Figures:
            streamer.send("on")
            began = time.perf_counter()
            figures = paste()
            streamer.send("off")
            files = streamer.recv()
            streamer.recv()
            took = time.perf_counter() - began
            return {**figures, "stream MB/s": files * _BLOCKS * 65536 / 1e6 / took}

        race = Race(
            "63 quiet VMs, one with a stream",
            ["no stream"],
            [Goal("p99 ms", "stream", at_most=20)],
        )
        race.run({"no stream": paste, "stream": beside}, rounds)
        yield race
