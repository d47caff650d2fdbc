"""A world whose clients send files to the guest."""

from __future__ import annotations

import struct

import pytest

from tests.hub.doubles import GTK, World
from tests.link.frames import LINUX, WINDOWS
from tests.wire.decoding import frame
from vdproxy.handlers.file_transfer import FileTransferHandler, FileTransferOptions
from vdproxy.wire.messages import FileXferData, FileXferStart, FileXferStatus

CAN_SEND_DATA, CANCELLED, ERROR, SUCCESS = range(4)
NOT_ENOUGH_SPACE, SESSION_LOCKED, NOT_CONNECTED, DISABLED = range(4, 8)
ENDINGS = range(1, 8)

START, STATUS, DATA = 10, 11, 12

#: What spice-gtk announces, without DETAILED_ERRORS.
PLAIN = GTK & ~(1 << 14)

NO_FILES = LINUX | 1 << 13

KIB = 1024

each_agent = pytest.mark.parametrize("agent", [LINUX, WINDOWS], ids=["linux", "win"])


class Files(World):
    """
    A world with the handler, and an agent that is up if it announces *agent*.

    The *options* are the handler's.
    """

    def __init__(self, agent=LINUX, **options):
        self.handler = FileTransferHandler(FileTransferOptions(**options))
        super().__init__(self.handler)
        if agent is not None:
            self.guest.come_up(agent)

    def begin(self, client, id=1, size=100):
        """Have *client* start a transfer, and return the id it has upstream."""
        client.say(FileXferStart(id, "a.txt", size))
        (start,) = self.guest.heard()
        assert start == FileXferStart(start.id, "a.txt", size)
        return start.id

    def run(self, client, id=1, size=100):
        """Have a transfer of *client* run, and return the id it has upstream."""
        upstream = self.begin(client, id, size)
        self.guest.say(FileXferStatus(upstream, CAN_SEND_DATA))
        assert client.heard() == [FileXferStatus(id, CAN_SEND_DATA)]
        return upstream

    def give_a_sign(self):
        """Have the agent say something that ends no transfer: it is there."""
        self.guest.say(FileXferStatus(0xFFFF, SUCCESS))

    @property
    def is_idle(self):
        return not self.handler._running and not self.handler._by_upstream_id


def with_clients(count, agent=LINUX, word=GTK):
    world = Files(agent)
    return world, *[world.ready_client(word) for _ in range(count)]


def statuses(client):
    return [m for m in client.heard() if isinstance(m, FileXferStatus)]


def cut(data, id):
    """Return the messages that *data* comes to the agent in."""
    size = 64 * KIB
    return [
        FileXferData(id, data[begin : begin + size])
        for begin in range(0, len(data), size)
    ]


def pattern(size):
    return bytes(n * 7 % 251 for n in range(size))


def bad_data(id):
    """Return a FILE_XFER_DATA that claims to be more than it is."""
    return frame(DATA, struct.pack("<IQ", id, 3000) + b"abc")


def bad_start(id):
    return frame(START, struct.pack("<I", id) + b"[nothing]\n\0")


def end_by(ending, world, client, id, upstream):
    """End the transfer *id* of *client* in the way that is called *ending*."""
    if ending == "agent":
        world.guest.say(FileXferStatus(upstream, SUCCESS))
    elif ending == "client":
        client.say(FileXferStatus(id, CANCELLED))
    elif ending == "too much":
        client.say(FileXferData(id, bytes(101)))
    elif ending == "bad data":
        client.feed(bad_data(id))
    elif ending == "bad status":
        world.guest.feed(frame(STATUS, struct.pack("<IB", upstream, 0)))
    elif ending == "silence":
        world.wait(20)
        world.give_a_sign()
        world.wait(11)
    world.guest.heard()
    client.heard()


each_ending = pytest.mark.parametrize(
    "ending", ["agent", "client", "too much", "bad data", "bad status", "silence"]
)
