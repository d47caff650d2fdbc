"""
What large transfers take: memory at their peak, and afterwards.

Each round is the first transfer of a process that was started for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from bench import guests, relays
from bench.bulk import KIB, MIB, on_the_wire, pushed, pusher
from bench.race import Figures, Goal, Race
from bench.relays import Relay, Starter
from bench.speech import (
    GRAB,
    PATIENCE,
    REQUEST,
    by_guest,
    by_host,
    connect,
    copied,
    read,
)
from bench.stand import standing
from tests.peers.usage import forget_peak_of, peak_of, resident_of
from vdproxy.wire.messages import ClipboardGrab, ClipboardRequest

#: Blocks of 64 KiB in a file of 1 GB and in one of 100 MB, and bytes that a slow guest
#: reads in a second.
_BLOCKS = 15259
_FEW_BLOCKS = 1526
_RATE = 50_000_000

#: Bytes that are copied, and how many times that may be held.
_COPIED = 100_000_000
_TIMES = 2.2

#: Seconds after which what is left is measured.
_SOON = 1.0

_CONTESTANTS: Mapping[str, Starter] = {
    "bare": relays.twisted(),
    "vdproxy": relays.vdproxy(),
}

_PEAK = "MiB more at the peak"
_LEFT = "MiB more afterwards"


def pushing(starter: Starter) -> Figures:
    """Push a large file into a guest that reads it as fast as it can."""
    with pushed(starter, _BLOCKS) as (relay, push):
        return _held(relay, push)


def pushing_slowly(starter: Starter) -> Figures:
    """Push a file into a guest that takes its time."""
    size = on_the_wire(_FEW_BLOCKS)
    with standing(starter, guests.slow_files, size, _RATE) as relay:
        connection, client = connect(relay.clients)
        with connection:
            return _held(relay, pusher(connection, client, _FEW_BLOCKS))


def from_guest(starter: Starter) -> Figures:
    """Paste in a client what was copied in the guest."""
    message = copied(_COPIED)
    with standing(starter, guests.clipboard, _COPIED) as relay:
        coming = len((by_host if relay.cuts else by_guest)(message)) + len(GRAB)
        connection, client = connect(relay.clients)
        with connection:
            client.expect(ClipboardGrab, PATIENCE)

            def paste() -> None:
                connection.sendall(REQUEST)
                read(connection, coming, bytearray(MIB))

            return _held(relay, paste)


def into_guest(starter: Starter) -> Figures:
    """Paste in the guest what was copied in a client."""
    speech = by_host(copied(_COPIED))
    with standing(starter, guests.pasting, len(speech)) as relay:
        connection, client = connect(relay.clients)
        with connection:

            def paste() -> None:
                connection.sendall(GRAB)
                client.expect(ClipboardRequest, PATIENCE)
                connection.sendall(speech)
                client.expect(ClipboardGrab, PATIENCE)

            return _held(relay, paste)


def between_clients(starter: Starter) -> Figures:
    """Paste in one client what was copied in another."""
    speech = by_host(copied(_COPIED))
    with standing(starter, guests.files, 0) as relay:
        copying, owner = connect(relay.clients)
        pasting, other = connect(relay.clients)
        with copying, pasting:

            def paste() -> None:
                copying.sendall(GRAB)
                other.expect(ClipboardGrab, PATIENCE)
                pasting.sendall(REQUEST)
                owner.expect(ClipboardRequest, PATIENCE)
                copying.sendall(speech)
                read(pasting, len(speech), bytearray(MIB))

            return _held(relay, paste)


def _held(relay: Relay, work: Callable[[], None]) -> Figures:
    """Return what a relay has more by *work* than it had before."""
    assert relay.pid is not None
    before = resident_of(relay.pid)
    forget_peak_of(relay.pid)
    work()
    most = peak_of(relay.pid)
    time.sleep(_SOON)
    after = resident_of(relay.pid)
    return {_PEAK: (most - before) / KIB, _LEFT: (after - before) / KIB}


def run(rounds: int) -> Iterator[Race]:
    """Measure files that are pushed, and clipboards in all directions."""
    little = Goal(_PEAK, "vdproxy", at_most=8)
    twice = Goal(_PEAK, "vdproxy", at_most=_TIMES * _COPIED / MIB)
    given_back = Goal(_LEFT, "vdproxy", at_most=10)
    alone = {"vdproxy": _CONTESTANTS["vdproxy"]}
    for work, carry, contestants, goals in (
        ("file push of 1 GB", pushing, _CONTESTANTS, [little]),
        ("file push of 100 MB, slow guest", pushing_slowly, _CONTESTANTS, [little]),
        ("100 MB from the guest", from_guest, _CONTESTANTS, [twice, given_back]),
        ("100 MB into the guest", into_guest, _CONTESTANTS, [twice, given_back]),
        ("100 MB between clients", between_clients, alone, [twice, given_back]),
    ):
        race = Race(work, goals=goals)
        race.run({n: partial(carry, s) for n, s in contestants.items()}, rounds)
        yield race
