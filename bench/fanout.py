"""One GRAB of the guest to any number of clients."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

from bench import relays
from bench.guests import listening, meet
from bench.race import Figures, Goal, Race
from bench.relays import Starter
from bench.speech import GRAB, PATIENCE, connect, grab_anew, reach
from bench.stand import Round, directory, race
from vdproxy.wire.messages import ClipboardGrab

_CLIENTS = (1, 8, 64, 256)

#: GRABs of a round.
_GRABS = 40

_CONTESTANTS: Mapping[str, Starter] = {
    "broadcast": relays.twisted("--broadcast"),
    "vdproxy": relays.vdproxy(),
}


class Audience:
    """Clients that are told the same; all are read in one process."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._selector = stack.enter_context(selectors.DefaultSelector())
        self._count = 0

    def add(self, client: socket.socket) -> None:
        """Let one more client listen."""
        self._stack.enter_context(client)
        client.setblocking(False)
        self._selector.register(client, selectors.EVENT_READ)
        self._count += 1

    def hears(self, size: int, seconds: float = PATIENCE) -> bool:
        """Wait until each has heard so many bytes; tell whether all have in time."""
        deadline = time.monotonic() + seconds
        left = self._count * size
        while left and time.monotonic() < deadline:
            for key, _ in self._selector.select(seconds):
                assert isinstance(key.fileobj, socket.socket)
                left -= len(key.fileobj.recv(65536))
        return not left


@contextmanager
def telling(starter: Starter, count: int) -> Iterator[Round]:
    """Have the guest, which is this process too, grab and so many clients hear it."""
    with directory() as folder, ExitStack() as stack:
        listener = stack.enter_context(listening(folder / relays.GUEST))
        relay = stack.enter_context(starter(folder))
        guest = stack.enter_context(listener.accept()[0])
        audience = Audience(stack)
        if relay.cuts:
            meet(guest)
        speech, serial = bytearray(GRAB), 0
        guest.sendall(speech)
        for _ in range(count):
            if relay.cuts:
                connection, client = connect(relay.clients)
                client.expect(ClipboardGrab, PATIENCE)
            else:
                connection = reach(relay.clients)
            audience.add(connection)
        if not relay.cuts:
            # The relay tells nobody when it has taken them all in.
            time.sleep(1)

        def tell() -> Figures:
            nonlocal serial
            began = time.perf_counter()
            for _ in range(_GRABS):
                serial += 1
                grab_anew(speech, serial)
                guest.sendall(speech)
                assert audience.hears(len(speech)), "some clients have heard nothing"
            took = (time.perf_counter() - began) / _GRABS
            return {"us": took * 1e6, "us a client": took / count * 1e6}

        yield tell


def run(rounds: int) -> Iterator[Race]:
    """Measure how long it takes until 1, 8, 64 and 256 clients have been told."""
    for count in _CLIENTS:
        most = Goal("us", "vdproxy", of="broadcast", at_most=2.5)
        yield race(
            f"one GRAB to {count} clients",
            partial(telling, count=count),
            rounds,
            _CONTESTANTS,
            against=["broadcast"],
            goals=[most] if count == max(_CLIENTS) else [],
        )
