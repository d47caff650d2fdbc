"""What a peer is told when no handler takes care of what it asks for."""

from __future__ import annotations

import pytest

from tests.hub.doubles import GTK, Ping, Recorder, World, up_world
from tests.hub.faults import Slow
from tests.hub.pings import broken, ping_world
from tests.link.frames import LINUX, WINDOWS
from vdproxy.hub.verdicts import Drop
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import (
    Clipboard,
    ClipboardGrab,
    ClipboardRequest,
    DisplayConfig,
    FileXferData,
    FileXferStart,
    FileXferStatus,
    MonConfig,
    MonitorsConfig,
    MouseState,
    Reply,
)

DETAILS = Capabilities.of(14)
SELECTIONS = Capabilities.of(5, 6)

ANSWERS = [
    (ClipboardRequest(0, 1), [Clipboard(0, 0, b"")]),
    (FileXferStart(7, "name", 10), [FileXferStatus(7, 7)]),
    (MonitorsConfig(0, (MonConfig(800, 600),)), [Reply(2, 2)]),
    (DisplayConfig(1, 32), [Reply(5, 2)]),
    (MouseState(1, 2, 0, 0), []),
    (FileXferData(7, b"data"), []),
    (ClipboardGrab(0, (1,)), []),
]


@pytest.mark.parametrize(("asked", "answers"), ANSWERS)
@pytest.mark.parametrize("one_by_one", [False, True])
def test_a_client_is_refused_what_no_handler_takes(asked, answers, one_by_one):
    """H37."""
    world = up_world()
    client, other = world.ready_client(), world.ready_client()
    client.say(asked, one_by_one=one_by_one)
    assert client.heard() == answers
    assert other.heard() == world.guest.heard() == []


@pytest.mark.parametrize("word", [0, LINUX])
def test_so_is_a_client_that_has_not_announced_itself(word):
    client = up_world().client(word)
    client.heard()
    client.say(ClipboardRequest(0, 1), FileXferStart(1, "a", 1))
    assert client.heard() == [Clipboard(0, 0, b""), FileXferStatus(1, 2)]


def test_a_client_that_knows_no_details_learns_of_an_error():
    client = up_world().ready_client(GTK & ~DETAILS.bits)
    client.say(FileXferStart(7, "name", 10))
    assert client.heard() == [FileXferStatus(7, 2)]


@pytest.mark.parametrize("word", [LINUX, WINDOWS])
def test_a_guest_that_wants_to_paste_is_told_that_there_is_nothing(word):
    """H37."""
    world = World(Recorder(provided=SELECTIONS))
    world.guest.come_up(word)
    client = world.ready_client()
    world.guest.say(ClipboardRequest(0, 1))
    assert world.guest.heard() == [Clipboard(0, 0, b"")]
    world.guest.say(MonitorsConfig(0, ()), FileXferStart(7, "name", 10))
    assert world.guest.heard() == client.heard() == []


@pytest.mark.parametrize("selection", [0, 1, 2])
def test_every_selection_that_a_peer_can_ask_for_is_answered(selection):
    client = up_world(Recorder(provided=SELECTIONS)).ready_client(GTK)
    client.say(ClipboardRequest(selection, 1))
    assert client.heard() == [Clipboard(selection, 0, b"")]


def test_a_selection_that_was_asked_for_before_a_new_offer_harms_nobody():
    recorder = Recorder(provided=SELECTIONS)
    world = up_world(recorder)
    client, other = world.ready_client(), world.ready_client()
    recorder.provided = Capabilities()
    recorder.vm.offers_changed()
    # It has not read the new offer yet.
    client.say(ClipboardRequest(1, 1), DisplayConfig(1, 32))
    assert client.heard()[1:] == [Reply(5, 2)]
    assert not client.transport.losing
    other.say(DisplayConfig(1, 32))
    assert other.heard()[1:] == [Reply(5, 2)]


@pytest.mark.parametrize(
    ("message", "instead"),
    [
        (Clipboard(0, 1, b"text"), [Clipboard(0, 0, b"")]),
        (FileXferStatus(7, 0), [FileXferStatus(7, 2)]),
        (Reply(200, 1), [Reply(200, 2)]),
        (Ping(b"!"), []),
    ],
)
def test_an_answer_is_refused_whose_handler_is_withdrawn_meanwhile(message, instead):
    handler = broken("received")
    slow = Slow(type(message), only="out")
    world, client = ping_world(handler, filters=[slow])
    client.peer.send(message)
    client.say(*[Ping(b"?")] * 5)
    assert not world.hub.features.owns(Ping.number)
    client.heard()
    slow.about(message).say(Drop("not here"))
    assert client.heard() == instead
