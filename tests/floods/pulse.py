"""A client that does nothing wrong, in a process of its own, and how long it waits."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

from tests.floods.clients import negotiated
from vdproxy.wire.messages import MonConfig, MonitorsConfig, Reply

#: Seconds between two round trips.
_PAUSE = 0.005

#: About as many bytes as the question of a round trip has.
_QUESTION = bytes(64)


class Trip(NamedTuple):
    """
    Seconds to the guest and back through vdproxy, and right after without it.

    The latter is what the machine costs.
    """

    proxied: float
    direct: float


class Waits(NamedTuple):
    """The median and the 99th percentile of some round trips, seconds."""

    p50: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Waits:
        cuts = quantiles(seconds, n=100)
        return cls(cuts[49], cuts[98])


def beat(vm: Path, echo: Path, parent: Connection) -> None:
    """
    Make round trips until the parent hangs up.

    The first is told it by a word. Whenever it says something it is sent the list of
    the trips since then.
    """
    trips: list[Trip] = []
    with socket.socket(socket.AF_UNIX) as guest, negotiated(vm)[0] as client:
        guest.connect(str(echo))
        parent.send("up")
        while True:
            begin = time.monotonic()
            client.send(MonitorsConfig(0, (MonConfig(800, 600),)))
            client.expect(Reply, timeout=60)
            client.others.clear()
            between = time.monotonic()
            guest.sendall(_QUESTION)
            guest.recv(len(_QUESTION), socket.MSG_WAITALL)
            trips.append(Trip(between - begin, time.monotonic() - between))
            if parent.poll(_PAUSE):
                try:
                    parent.recv()
                except EOFError:
                    return
                parent.send(trips)
                trips = []
