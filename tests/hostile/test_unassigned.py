"""Holes of other programs that have no number, tried on vdproxy."""

from __future__ import annotations

import struct
from contextlib import closing

import pytest

from tests.hostile.payloads import sample
from tests.hostile.room import ERROR, Room, round_trip
from tests.hostile.stages import file_runs, guest_is_asked
from tests.link.frames import numbers
from tests.wire.decoding import chunk, frame, message
from tests.wire.reading import traced
from vdproxy.testing import LINUX_AGENT, SPICE_GTK, WINDOWS_AGENT
from vdproxy.wire.constants import Capability
from vdproxy.wire.messages import (
    STANDARD,
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    FileXferStatus,
    Reply,
)

MONITORS, CLIPBOARD, RELEASE, START, STATUS, DATA, AUDIO = 2, 4, 9, 10, 11, 12, 15

_BY_DEMAND = Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND
_SELECTION = Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION


@pytest.fixture
def room():
    with closing(Room()) as made:
        yield made


@pytest.mark.parametrize("sender", ["client", "guest"])
@pytest.mark.parametrize("size", [2, 2048])
def test_purespice_a_continuation_longer_than_the_rest(room, sender, size):
    """PureSpice (2a6190a) copied all of a packet behind a message's announced end."""
    start = chunk(message(CLIPBOARD, numbers(0, 1), size=9))
    hostile = room.first if sender == "client" else room.agent
    hostile.feed(start + chunk(b"A" * size))
    reason = f"chunk of {size} bytes where its message has 1 left"
    assert any(reason in line for line in room.lines())
    if sender == "client":
        assert room.first.is_let_go
        room.agent.hears_no_more()
    room.other.hears_no_more()


@pytest.mark.parametrize("count", [0x40000000, 0x40000001, 0x0CCCCCCD, 2**32 - 1])
@pytest.mark.parametrize("flags", [0, 1, 2, 3])
def test_vdagentd_a_number_of_monitors_that_overflows(room, count, flags):
    """spice-vdagentd stored it, and each of its session agents died of it."""
    room.first.feed(frame(MONITORS, numbers(count, flags)))
    room.first.hears(Reply(MONITORS, ERROR))
    room.agent.hears_no_more()
    round_trip(room, room.other)


@pytest.mark.parametrize("claim", [4, 8_000_000, 2**32 + 3, 2**64 - 1])
def test_vdagent_file_data_of_a_size_that_is_not_theirs(room, claim):
    """spice-vdagent wrote as much as was claimed, whatever there was."""
    file_runs(room)
    room.first.feed(frame(DATA, struct.pack("<IQ", 9, claim) + b"abc"))
    room.first.hears(FileXferStatus(9, ERROR))
    room.agent.hears(FileXferStatus(1, 1))
    room.agent.hears_no_more()


@pytest.mark.parametrize("count", [3, 200, 255])
def test_vdagent_channels_that_are_not_there(room, count):
    """spice-vdagent read the volumes of channels behind the message's end."""
    room.first.feed(frame(AUDIO, struct.pack("<BBB2H", 1, 0, count, 1, 2)))
    room.agent.hears_no_more()
    round_trip(room, room.other)


@pytest.mark.parametrize("text", [b"", b"[vdagent-file-xfer]\nname=a\nsize=1\n"])
def test_vdagent_a_start_without_its_nul(room, text):
    """spice-vdagent read on for the NUL behind the message's end."""
    room.first.feed(frame(START, numbers(9) + text))
    room.first.hears(FileXferStatus(9, ERROR))
    room.agent.hears_no_more()


@pytest.mark.parametrize("words", [(), (1 << 5,), (1 << 6,), (2**32 - 1,)])
def test_vdagentd_by_demand_without_selection(room, words):
    """
    spice-vdagentd never said a word again to a host that announced the one without
    the other: what clients announce does not change what the agent is told.
    """
    room.first.say(AnnounceCapabilities(1, words))
    room.agent.hears_no_more()
    room.agent.leave()
    room.agent.connect()
    question = room.agent.next()
    assert isinstance(question, AnnounceCapabilities)
    assert _BY_DEMAND in question.capabilities
    assert _SELECTION in question.capabilities


@pytest.mark.parametrize("message_class", STANDARD, ids=lambda c: c.__name__)
@pytest.mark.parametrize("agent", [LINUX_AGENT, WINDOWS_AGENT], ids=["linux", "win"])
def test_windows_a_message_that_is_too_short(message_class, agent):
    """
    The Windows agent ended at each such message, and for good at the tenth.

    Of a message that is cut at any byte no agent hears.
    """
    with closing(Room()) as room:
        meet(room, agent)
        whole = room.first.spell(sample(message_class))[28:]
        for end in range(len(whole)):
            hostile = room.vm.client(SPICE_GTK)
            room.agent.ignores_what_was_said()
            hostile.feed(frame(message_class.number, whole[:end]))
            room.agent.hears_no_more()
            hostile.leave()


def meet(room, capabilities):
    """Have another agent come up."""
    room.agent.leave()
    room.agent.connect()
    room.agent.capabilities = capabilities
    room.agent.announce(0)


@pytest.mark.parametrize("sender", ["client", "guest"])
@pytest.mark.parametrize(
    "data",
    [
        chunk(b"", size=2**32 - 1),
        chunk(message(CLIPBOARD, numbers(0, 1), size=2**32 - 1)),
        chunk(message(CLIPBOARD, numbers(0, 1), size=2**31 - 1), size=2**31 - 1),
        chunk(message(CLIPBOARD, numbers(0, 1), size=2**31 - 1)),
        chunk(message(CLIPBOARD, numbers(0, 1), size=100 * 1024 * 1024)),
    ],
    ids=["chunk", "message", "both", "skipped", "largest"],
)
def test_qemu_and_spice_gtk_room_for_what_is_announced(room, sender, data):
    """They took up to 4 GiB of memory for a header that said so."""
    hostile = room.first if sender == "client" else room.agent
    with traced() as allocated:
        hostile.feed(data)
        assert allocated()[1] < 256 * 1024
    room.other.hears_no_more()
    send_while_waiting(room, hostile)


def send_while_waiting(room, hostile):
    """Have the other client and the guest talk while *hostile* is in mid-message."""
    if hostile is room.first:
        round_trip(room, room.other)
    else:
        room.other.say(ClipboardGrab(0, (1,)))
        if room.vm.hub.guest.up:
            room.agent.hears(ClipboardGrab(0, (1,)))
        room.first.hears(ClipboardGrab(0, (1,)))


@pytest.mark.parametrize("size", range(8))
def test_spice_gtk_clipboard_data_shorter_than_their_head(room, size):
    """spice-gtk subtracted the head's size from theirs, and read 4 GiB."""
    guest_is_asked(room)
    room.agent.feed(frame(CLIPBOARD, bytes(size)))
    room.settle()
    room.other.hears(Clipboard(0, 0, b""))
    room.first.hears_no_more()


@pytest.mark.parametrize("selection", [0, 1, 2])
def test_vdagentd_a_release_of_a_byte(room, selection):
    """What PureSpice hangs up on: clients are told of it in four."""
    room.agent.say(ClipboardGrab(0, (1,)))
    room.first.hears(ClipboardGrab(0, (1,)))
    before = len(room.first.transport.written)
    room.agent.feed(frame(RELEASE, bytes([selection])))
    room.settle()
    said = bytes(room.first.transport.written[before:])
    assert said == (frame(RELEASE, bytes(4)) if not selection else b"")
