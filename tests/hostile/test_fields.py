"""Every field of every message at its ends, and every payload cut at every byte."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest

from tests.hostile.payloads import at_its_ends, sample
from tests.hostile.room import RESIZED, TEXT, Room, resize, round_trip
from tests.wire.decoding import frame
from vdproxy.errors import RemoteProtocolError
from vdproxy.wire.assembly import MESSAGE_HEADER
from vdproxy.wire.chunk import CHUNK_HEADER, RawMessage
from vdproxy.wire.constants import message_name
from vdproxy.wire.messages import (
    STANDARD,
    AnnounceCapabilities,
    ClipboardGrab,
    ClipboardRelease,
    FileXferStart,
    MonitorsConfig,
)

_HEADERS = CHUNK_HEADER.size + MESSAGE_HEADER.size

#: Payloads to a room: fewer than there may be bad ones of a kind in the log.
_IN_A_ROOM = 9

each_class = pytest.mark.parametrize(
    "message_class", STANDARD, ids=lambda c: c.__name__
)
each_sender = pytest.mark.parametrize("sender", ["client", "guest"])


@each_sender
@each_class
def test_a_payload_says_what_it_says_or_is_refused(message_class, sender):
    whole = spelled(message_class)
    send_all(sender, message_class, [whole[:end] for end in range(len(whole))])
    for start in range(len(whole)):
        send_all(sender, message_class, at_its_ends(whole, start))


def spelled(message_class):
    """Return a payload as a client would send it to a hub."""
    room = Room()
    payload = room.first.spell(sample(message_class))[_HEADERS:]
    room.close()
    return payload


def send_all(sender, message_class, payloads):
    payloads = iter(payloads)
    while some := list(islice(payloads, _IN_A_ROOM)):
        room = Room()
        hostile = room.first if sender == "client" else room.agent
        for payload in some:
            send(room, hostile, message_class, payload)
            serve(room, hostile, message_class)
        assert hostile.peer in (room.vm.hub.guest, *room.vm.hub.clients)
        round_trip(room, room.other)
        room.close()


def send(room, hostile, message_class, payload):
    """Have *hostile* send a payload, and check what is made of it."""
    room.lines()
    try:
        raw = RawMessage(1, message_class.number, payload)
        meant = room.vm.codec.decode(raw, hostile.layout)
        problem = None
    except RemoteProtocolError as error:
        meant, problem = None, str(error)
    hostile.feed(frame(message_class.number, payload))
    room.settle()
    sender = "guest" if hostile is room.agent else "client vdi#1"
    complaints = [line for line in room.lines() if " a bad " in line]
    name = message_name(message_class.number)
    assert complaints == [f"{sender} sent a bad {name}: {problem}"] * (meant is None)
    for end in room.everybody.values():
        if end is not hostile:
            check_heard(end, meant)


def check_heard(end, meant):
    """Check that *end* was told what was meant, or of an end, or nothing."""
    while (heard := end.next_if_any()) is not None:
        if not isinstance(heard, (AnnounceCapabilities, ClipboardRelease)):
            assert heard == as_told(meant, heard)


def as_told(meant, heard):
    """Return what others are told of a message."""
    if isinstance(meant, FileXferStart):
        return replace(meant, id=heard.id)
    if isinstance(meant, ClipboardGrab):
        return ClipboardGrab(0, tuple(t for t in meant.types if t not in (0, 6)))
    return meant


def serve(room, hostile, message_class):
    """Have *hostile* be served, who has said what it has said."""
    hostile.ignores_what_was_said()
    if hostile is room.first:
        if message_class is MonitorsConfig:
            room.agent.say(RESIZED)
            hostile.ignores_what_was_said()
        resize(room, hostile)
    elif message_class in (AnnounceCapabilities, ClipboardGrab):
        # It may have said that it is another now, or lost count of its GRABs.
        hostile.start_anew()
        for client in (room.first, room.other):
            client.negotiate()
        hostile.ignores_what_was_said()
        hostile.say(RESIZED)
    else:
        hostile.say(ClipboardGrab(0, (TEXT,)))
        for client in (room.first, room.other):
            client.hears(ClipboardGrab(0, (TEXT,)))
