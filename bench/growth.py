"""That a message costs the same, whatever else there is or has been."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench import guests
from bench.bulk import pushed
from bench.race import Figures, Goal, Race
from bench.relays import GUEST, numbered, vdproxy
from bench.small import COUNT
from bench.speech import GRAB, connect, mouse, read_all
from bench.stand import Round, directory
from tests.peers.programs import helper

#: What there is besides in one contestant each.
_VMS = 63
_CLIENTS = 255
_TRANSFERS = 20_000

#: Files of a round, each of one block of 64 KiB.
_FILES = 400


@contextmanager
def pointing(*, vms: int = 0, clients: int = 0) -> Iterator[Round]:
    """Send one guest states of a mouse, with other VMs and its other clients idle."""
    speech, done = mouse(COUNT), bytearray(len(GRAB))
    with directory() as folder, ExitStack() as stack:
        guest = helper(guests.pointed_at, folder / GUEST, COUNT)
        stack.enter_context(guest).recv()
        paths = [folder / numbered(GUEST, number) for number in range(1, vms + 1)]
        stack.enter_context(helper(guests.many, paths)).recv()
        relay = stack.enter_context(vdproxy(vms=vms + 1)(folder))
        connection, _ = connect(relay.clients)
        stack.enter_context(connection)
        for _ in range(clients):
            stack.enter_context(connect(relay.clients)[0])

        def point() -> Figures:
            began = time.perf_counter()
            connection.sendall(speech)
            read_all(connection, done)
            return {"messages/s": COUNT / (time.perf_counter() - began)}

        yield point


@contextmanager
def pushing(past: int = 0) -> Iterator[Round]:
    """Push small files, after so many others."""
    with pushed(vdproxy(), 1) as (_, push):
        for _ in range(past):
            push()

        def several() -> Figures:
            began = time.perf_counter()
            for _ in range(_FILES):
                push()
            return {"files/s": _FILES / (time.perf_counter() - began)}

        yield several


def run(rounds: int) -> Iterator[Race]:
    """Measure one client's messages alone, and among VMs, clients, transfers past."""
    names = {
        "63 VMs more": pointing(vms=_VMS),
        "255 clients more": pointing(clients=_CLIENTS),
    }
    with ExitStack() as stack:
        race = Race(
            "mouse among others",
            ["alone"],
            [Goal("messages/s", name, of="alone", at_least=0.9) for name in names],
        )
        ready = {"alone": pointing(), **names}
        race.run({n: stack.enter_context(c) for n, c in ready.items()}, rounds)
    yield race
    after = f"after {_TRANSFERS}"
    with ExitStack() as stack:
        race = Race(
            "small files after others",
            ["the first"],
            [Goal("files/s", after, of="the first", at_least=0.9)],
        )
        ready = {"the first": pushing(), after: pushing(_TRANSFERS)}
        race.run({n: stack.enter_context(c) for n, c in ready.items()}, rounds)
    yield race
