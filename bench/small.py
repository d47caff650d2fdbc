"""Small messages: how long a question takes, and how many pass in a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from statistics import quantiles

from bench import guests, relays
from bench.bulk import pasted
from bench.race import Figures, Goal, Race
from bench.relays import Starter
from bench.speech import (
    GRAB,
    NOTHING,
    PATIENCE,
    REQUEST,
    connect,
    grabs,
    mouse,
    read_all,
)
from bench.stand import CONTESTANTS, Round, race, standing
from vdproxy.wire.messages import ClipboardGrab

#: Round trips of a round, and bytes of a word.
_TRIPS = 3000
_ANSWER = 16

#: Messages of a flood.
COUNT = 40_000

_WITH_POLICY = {
    **CONTESTANTS,
    "vdproxy, policy": relays.vdproxy("filters = policy"),
}


@contextmanager
def bouncing(starter: Starter) -> Iterator[Round]:
    """Send the guest a state of the mouse, at which it grabs."""
    speech, heard = mouse(1), bytearray(len(GRAB))
    with standing(starter, guests.grabbing, 1) as relay:
        connection, client = connect(relay.clients)
        with connection:
            client.expect(ClipboardGrab, PATIENCE)

            def bounce() -> None:
                connection.sendall(speech)
                read_all(connection, heard)

            yield partial(_trips, bounce)


@contextmanager
def asking(starter: Starter) -> Iterator[Round]:
    """Paste a word, one time after the other."""
    with pasted(starter, _ANSWER) as (_, paste):
        yield partial(_trips, paste)


def _trips(trip: Callable[[], None]) -> Figures:
    times = []
    for _ in range(_TRIPS):
        began = time.perf_counter()
        trip()
        times.append(time.perf_counter() - began)
    cuts = quantiles(times, n=100)
    return {"p50 us": cuts[49] * 1e6, "p99 us": cuts[98] * 1e6}


@contextmanager
def pointing(starter: Starter) -> Iterator[Round]:
    """Send the guest states of a mouse, each of which counts."""
    speech = mouse(COUNT)
    done = bytearray(len(GRAB))
    with standing(starter, guests.pointed_at, COUNT) as relay:
        connection, _ = connect(relay.clients)
        with connection:

            def point() -> None:
                connection.sendall(speech)
                read_all(connection, done)

            yield partial(_rate, point)


@contextmanager
def grabbing(starter: Starter) -> Iterator[Round]:
    """Send the guest GRABs, the data of the last of which it wants."""
    done = bytearray(len(REQUEST))
    serial = 0
    with standing(starter, guests.grabbed, COUNT) as relay:
        connection, _ = connect(relay.clients)
        with connection:

            def grab() -> None:
                nonlocal serial
                connection.sendall(grabs(serial, COUNT))
                serial += COUNT
                read_all(connection, done)
                connection.sendall(NOTHING)

            yield partial(_rate, grab)


@contextmanager
def told(starter: Starter) -> Iterator[Round]:
    """Be told by the guest of GRABs."""
    heard = bytearray(len(GRAB) * COUNT)
    serial = 1
    with standing(starter, guests.grabbing, COUNT) as relay:
        connection, client = connect(relay.clients)
        with connection:
            client.expect(ClipboardGrab, PATIENCE)

            def listen() -> None:
                nonlocal serial
                connection.sendall(mouse(1))
                read_all(connection, heard)
                assert heard == grabs(serial, COUNT), "the GRABs are not as sent"
                serial += COUNT

            yield partial(_rate, listen)


def _rate(work: Callable[[], None]) -> Figures:
    began = time.perf_counter()
    work()
    return {"messages/s": COUNT / (time.perf_counter() - began)}


def run(rounds: int) -> Iterator[Race]:
    """Measure round trips, and floods of small messages."""
    trip = Goal("p50 us", "vdproxy", of="bare", at_most=1.3)
    yield race("mouse there, GRAB back", bouncing, rounds, CONTESTANTS, goals=[trip])
    word = "paste of a word, and a fresh GRAB"
    yield race(word, asking, rounds, CONTESTANTS, goals=[trip])
    fast = Goal("messages/s", "vdproxy, policy", at_least=40_000)
    for work, opened in (
        ("mouse, client to guest", pointing),
        ("GRABs, client to guest", grabbing),
        ("GRABs, guest to client", told),
    ):
        yield race(work, opened, rounds, _WITH_POLICY, goals=[fast])
