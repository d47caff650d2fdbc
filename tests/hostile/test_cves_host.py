"""
Published holes of spice-server and QEMU, tried on vdproxy: a function for a number.

CVE-2016-0749 (spice-server's smart cards) has none: vdproxy has no such channel, and
nothing of its protocol comes by an agent's port.
"""

from __future__ import annotations

import struct
import zlib
from contextlib import closing

import pytest

from tests.hostile.room import RESIZE, RESIZED, Room, answer, round_trip
from tests.hostile.stages import first_owns, guest_owns, nothing, other_owns
from tests.link.frames import numbers
from tests.test_layers import MODULES, imports
from tests.wire.decoding import chunk, frame, message
from tests.wire.reading import traced
from vdproxy.testing import LINUX_AGENT, SPICE_GTK
from vdproxy.wire.constants import ClipboardType
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRequest,
    Reply,
)

MONITORS, CLIPBOARD, GRAB, REQUEST, DEVICES = 2, 4, 7, 8, 16
TYPES = [int(kind) for kind in ClipboardType]
OFFERED = (1, 2, 3, 4, 5)


@pytest.fixture
def room():
    with closing(Room()) as made:
        yield made


def imported():
    """Return the top-level names of all modules that vdproxy imports."""
    names = {n for _, tree in MODULES for n in imports(tree, at_run_time=False)}
    return {name.split(".")[0] for name in names}


def pass_on(room, kind, data):
    """Have the guest paste *data* of the first client, and that client the guest's."""
    for owner, asker in ((room.first, room.agent), (room.agent, room.first)):
        owner.say(ClipboardGrab(0, (kind,)))
        asker.hears(ClipboardGrab(0, (kind,)))
        asker.say(ClipboardRequest(0, kind))
        owner.hears(ClipboardRequest(0, kind))
        owner.say(Clipboard(0, kind, data))
        asker.hears(Clipboard(0, kind, data))


@pytest.mark.parametrize(
    "payload",
    [
        numbers(65, 0) + bytes(65 * 20),
        numbers(2**32 - 1, 0),
        numbers(2**32 - 1, 0) + bytes(1536),
        numbers(0x0CCCCCCD, 0) + bytes(4),
        numbers(0, 0) + bytes(1536),
    ],
    ids=["65", "most", "most in the most", "overflows to 4", "none in the most"],
)
def test_cve_2017_7506_counts(room, payload):
    """
    spice-server trusted the number of monitors, and multiplied it in 32 bits.

    It is at most 64, and the payload is exactly theirs: the guest hears of no other.
    """
    room.first.feed(frame(MONITORS, payload))
    room.first.hears(Reply(MONITORS, 2))
    room.agent.hears_no_more()
    round_trip(room, room.other)


def test_cve_2017_7506_accumulation(room):
    """
    spice-server gathered a MONITORS_CONFIG of whatever size its header stated.

    A header that states more than 64 monitors take is the last of that client, and
    nothing of what comes behind it is kept.
    """
    head = chunk(message(MONITORS, bytes(2028), size=0xFFFFFFF0))
    more = chunk(bytes(2048)) * 512
    with traced() as allocated:
        room.first.feed(head)
        room.first.feed(more)
        assert allocated()[0] < 64 * 1024
    assert room.first.is_let_go
    round_trip(room, room.other)


@pytest.mark.parametrize("stage", [nothing, guest_owns, first_owns, other_owns])
@pytest.mark.parametrize("kind", [*TYPES, 7, 2**32 - 1])
@pytest.mark.parametrize("who", ["first", "agent"])
def test_cve_2023_6683(room, who, kind, stage):
    """
    QEMU's clipboard took an empty text for one that was still to come, and then
    called the owner that was not there.

    Empty data, and a REQUEST of what nobody has, are answered in every state.
    """
    stage(room)
    end = room.everybody[who]
    end.say(Clipboard(0, kind, b""))
    end.say(ClipboardRequest(0, kind))
    owner = {guest_owns: "agent", first_owns: "first", other_owns: "other"}.get(stage)
    if owner in (None, who) or kind != 1:
        end.hears(Clipboard(0, 0, b""))
    else:
        room.everybody[owner].hears(ClipboardRequest(0, kind))
        room.everybody[owner].say(Clipboard(0, kind, b""))
        end.hears(Clipboard(0, kind, b""))
    for one in room.everybody.values():
        one.hears_no_more()
    round_trip(room, room.other)


@pytest.mark.parametrize("kind", OFFERED)
def test_cve_2023_6683_empty_answers(room, kind):
    """The same hole, by way of an answer: who asked is given what was answered."""
    pass_on(room, kind, b"")
    room.other.ignores_what_was_said()
    round_trip(room, room.other)


def test_cve_2023_3255(room):
    """
    QEMU inflated compressed clipboard data in a loop that some data never ended.

    Data are passed on as they are: nothing here can compress or inflate.
    """
    assert imported().isdisjoint({"zlib", "gzip", "bz2", "lzma", "zipfile", "tarfile"})
    bomb = zlib.compress(bytes(64 * 1024 * 1024), 9)
    with traced() as allocated:
        pass_on(room, 1, bomb)
        assert allocated()[1] < 32 * len(bomb)


@pytest.mark.parametrize("sender", ["client", "guest"])
def test_cve_2023_3354(room, sender):
    """
    QEMU freed a VNC client twice that left in the middle of its handshake.

    Whoever leaves after any byte of it leaves once, and the next is served.
    """
    questions = AnnounceCapabilities(1, SPICE_GTK.to_words())
    size = len(room.first.spell(questions)) * 2
    for end in range(size + 1):
        if sender == "client":
            newcomer = room.vm.client(negotiated=False)
            newcomer.feed((newcomer.spell(questions) * 2)[:end])
            newcomer.leave()
        else:
            room.agent.leave()
            room.agent.connect()
            room.agent.feed((room.agent.spell(questions) * 2)[:end])
    assert len(room.vm.hub.clients) == 2
    if sender == "guest":
        room.agent.leave()
        room.agent.connect()
        room.agent.capabilities = LINUX_AGENT
        for one in room.everybody.values():
            one.ignores_what_was_said()
        answer(room.agent, RESIZE)
        room.agent.say(RESIZED)
    round_trip(room, room.other)


#: Pictures of which nothing is in order but the first bytes, and some of QUIC's.
_PICTURES = [
    b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR",
    b"BM\xff\xff\xff\xff",
    b"II*\0\xff\xff\xff\xff",
    b"\xff\xd8\xff\xe0\xff\xff",
    b"QUIC\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff",
]


@pytest.mark.parametrize("kind", [2, 3, 4, 5])
def test_cve_2020_14355(room, kind):
    """
    spice-common's decoder of QUIC pictures wrote past its buffers.

    Pictures are passed on unopened: nothing here can read one.
    """
    assert imported().isdisjoint({"PIL", "cv2", "imghdr", "tkinter"})
    pass_on(room, kind, b"".join(_PICTURES))


def test_cve_2021_20201():
    """
    spice-server let a client negotiate TLS anew without end.

    TLS is Twisted's endpoints' affair: nothing here speaks it.
    """
    assert imported().isdisjoint({"ssl", "OpenSSL", "cryptography", "service_identity"})


@pytest.mark.parametrize("length", [2**32 - 1, 2**32 - 16, 2**31, 2**28])
@pytest.mark.parametrize("count", [1, 16, 64])
def test_cve_2018_10873(room, length, count):
    """
    spice-common's demarshaller added up sizes that overflowed its pointers.

    The sizes of a map of devices are added in numbers without end, and compared with
    the bytes that there are.
    """
    record = struct.pack("<IIII", 0, 0, 0, length) + b"pci/0\0"
    room.first.feed(frame(DEVICES, numbers(count) + record * count))
    (line,) = room.lines()[-1:]
    assert line == (
        "client vdi#1 sent a bad VD_AGENT_GRAPHICS_DEVICE_INFO: device address of "
        f"{length} bytes that does not end with its one NUL"
    )
    room.agent.hears_no_more()
    round_trip(room, room.other)


@pytest.mark.parametrize("sender", ["client", "guest"])
@pytest.mark.parametrize(
    ("number", "payload"),
    [
        (GRAB, numbers(3, 0, 1)),
        (REQUEST, numbers(3, 1)),
        (CLIPBOARD, numbers(3, 1)),
        (MONITORS, numbers(65, 0) + bytes(65 * 20)),
        (DEVICES, numbers(65)),
    ],
    ids=["GRAB", "REQUEST", "CLIPBOARD", "MONITORS", "DEVICES"],
)
def test_cve_2019_3813(room, number, payload, sender):
    """
    spice-server took the first number that is no memory slot for one.

    The first selection that does not exist, and one monitor or device more than
    there may be, are refused.
    """
    hostile = room.first if sender == "client" else room.agent
    room.lines()
    hostile.feed(frame(number, payload))
    (line,) = room.lines()
    assert " sent a bad VD_AGENT_" in line
    for one in room.everybody.values():
        if one is not hostile:
            one.hears_no_more()
    hostile.ignores_what_was_said()
    round_trip(room, room.other)
