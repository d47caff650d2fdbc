"""An agent behind a port whose kernel tells what of it is unread."""

from __future__ import annotations

from tests.hub.doubles import Ping, Recorder, World
from tests.link.frames import CLIPBOARD, LINUX, numbers
from tests.wire.decoding import frame
from vdproxy.wire.messages import AnnounceCapabilities

ASKED = AnnounceCapabilities(1, (0,))
ANSWERED = AnnounceCapabilities(0, (0,))

#: 200 bytes of a message, of which more is to come.
HALF = frame(CLIPBOARD, numbers(0, 1) + bytes(300), per_chunk=500)[:200]

#: What the log says of a new connection.
ANEW = "is made anew"


class Kernel:
    """What the kernel keeps of what was sent, and how often it was asked."""

    def __init__(self):
        self.kept = 0
        self.times_asked = 0

    def __call__(self):
        self.times_asked += 1
        return self.kept


def world_with_kernel(word=LINUX, *handlers):
    """Return a world whose agent is up, and its kernel."""
    world, kernel = World(*handlers or (Recorder(Ping),)), Kernel()
    world.guest.connect(untaken=kernel)
    world.guest.announce(0, word)
    world.guest.heard()
    return world, kernel
