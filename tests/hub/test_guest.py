from __future__ import annotations

import pytest
from twisted.logger import LogLevel

from tests.hub.doubles import (
    FakeTransport,
    Ping,
    Recorder,
    World,
    logged,
    up_world,
)
from tests.link.frames import (
    CLIPBOARD,
    GRAB,
    LINUX,
    WINDOWS,
    announce,
    bare_grab,
    numbers,
)
from tests.wire.decoding import chunk, frame, message
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    ClientDisconnected,
    Clipboard,
    ClipboardGrab,
    Reply,
)

ASKED = AnnounceCapabilities(1, (0,))
ANSWERED = AnnounceCapabilities(0, (0,))


def test_a_connection_begins_with_one_question_and_waits():
    """H31."""
    world = World(Recorder(Ping))
    assert world.hub.guest.state == "down"
    world.guest.connect()
    assert world.guest.heard() == [ASKED]
    assert world.hub.guest.state == "connected"
    world.hub.guest.send(Ping(b"?"))
    world.wait(60)
    assert world.guest.heard() == []
    assert world.clock.getDelayedCalls() == []


def test_an_answer_brings_the_agent_up():
    handler = Recorder()
    world = World(handler)
    world.guest.connect()
    with logged() as lines:
        world.guest.announce(0, WINDOWS)
    assert world.hub.guest.state == "up"
    assert world.hub.guest.up
    assert handler.told("guest_up") == [("guest_up", Capabilities(WINDOWS))]
    assert "VD_AGENT_CAP_GUEST_LINEEND_CRLF" in lines.texts[0]


def test_an_agent_without_capabilities_is_up_as_well():
    handler = Recorder()
    world = World(handler)
    world.guest.connect()
    world.guest.feed(announce(0))
    assert handler.told("guest_up") == [("guest_up", Capabilities())]


@pytest.mark.parametrize("one_by_one", [True, False])
def test_a_new_agent_is_lost_and_up_once(one_by_one):
    handler = Recorder()
    world = up_world(handler)
    handler.forget()
    world.guest.feed(announce(1, LINUX) + announce(0, LINUX), one_by_one=one_by_one)
    assert [call[0] for call in handler.calls] == ["guest_lost", "guest_up"]
    assert world.guest.heard() == [ANSWERED, ASKED]


def test_a_connection_that_ends_loses_the_agent_once():
    handler = Recorder()
    world = up_world(handler)
    with logged() as lines:
        world.guest.leave("Connection was closed cleanly.")
    assert handler.told("guest_lost") == [("guest_lost",)]
    assert world.hub.guest.state == "down"
    assert "Connection was closed cleanly." in lines.texts[0]


def test_an_agent_that_never_came_up_is_not_lost():
    handler = Recorder()
    world = World(handler)
    world.guest.connect()
    world.guest.announce(1)
    world.guest.leave()
    assert handler.told("guest_lost", "guest_up") == []


def test_a_new_connection_begins_with_a_question_and_drops_what_is_old():
    """H33."""
    handler = Recorder(ClipboardGrab)
    world = up_world(handler)
    world.guest.leave()
    handler.forget()
    world.guest.connect()
    world.guest.feed(bare_grab(1) + b"old" * 500)
    assert handler.calls == []
    assert world.guest.heard() == [ASKED]
    world.guest.feed(announce(0, LINUX))
    assert [call[0] for call in handler.calls] == ["guest_up"]


def test_bytes_after_the_end_of_a_connection_are_ignored():
    world = up_world()
    world.guest.leave()
    world.guest.feed(announce(0, LINUX))
    assert world.hub.guest.state == "down"


def test_broken_framing_is_resynchronised():
    handler = Recorder()
    world = up_world(handler)
    handler.forget()
    with logged() as lines:
        world.guest.feed(b"\xff" * 100)
    assert handler.calls == [("guest_lost",)]
    assert "at byte" in lines.texts[0]
    assert world.guest.heard() == [ASKED]
    assert not world.guest.transport.losing, "a bounce that Windows agents die of"
    world.guest.announce(0)
    assert [call[0] for call in handler.calls] == ["guest_lost", "guest_up"]


LARGE = Clipboard(0, 1, bytes(range(256)) * 2000)


def with_one_message_begun_and_one_waiting():
    world = up_world(Recorder(Clipboard))
    world.guest.transport.drain(room=1)
    for _ in range(2):
        world.hub.guest.send(LARGE)
    return world


def test_an_agent_that_may_be_alive_gets_the_rest_of_a_message_begun():
    world = with_one_message_begun_and_one_waiting()
    world.guest.feed(b"\xff" * 100)
    world.guest.transport.drain()
    assert world.guest.heard() == [LARGE, ASKED]


def test_a_new_agent_gets_nothing_of_what_was_for_the_old_one():
    """H31."""
    world = with_one_message_begun_and_one_waiting()
    begun = len(world.guest.transport.written)
    world.guest.feed(announce(1, LINUX))
    world.guest.transport.drain()
    new = bytes(world.guest.transport.written[begun:])
    assert new == announce(0, 0) + announce(1, 0)


HALF = frame(CLIPBOARD, numbers(0, 1) + bytes(range(164)))[:90]


def test_a_new_agent_inside_an_unfinished_message_is_met_after_a_second():
    """H30."""
    handler = Recorder()
    world = up_world(handler)
    world.guest.feed(HALF)
    world.guest.announce(1)
    world.wait(0.875)
    assert world.hub.guest.up
    world.wait(0.75)
    assert not world.hub.guest.up
    assert handler.told("guest_lost") == [("guest_lost",)]
    assert world.guest.heard() == [ANSWERED, ASKED]
    world.guest.announce(0)
    assert world.hub.guest.up


def test_an_agent_that_only_pauses_is_not_lost():
    """H30."""
    handler = Recorder(Clipboard, relayed=Capabilities.of(5, 6))
    world = up_world(handler)
    content = announce(1, LINUX)
    stream = frame(CLIPBOARD, numbers(0, 1) + content + b"more" * 5)
    for byte in stream:
        world.guest.feed(bytes([byte]))
        world.wait(0.875)
    assert handler.told("guest_lost") == []
    ((_, _, received),) = handler.told("received")
    assert received.data == content + b"more" * 5


def test_an_unfinished_message_without_an_announcement_may_end_much_later():
    handler = Recorder(Clipboard, relayed=Capabilities.of(5, 6))
    world = World(handler)
    world.guest.come_up(WINDOWS)
    stream = frame(CLIPBOARD, numbers(1) + b"text")
    world.guest.feed(stream[:-1])
    world.wait(60)
    assert world.clock.getDelayedCalls() == []
    world.guest.feed(stream[-1:])
    ((_, _, received),) = handler.told("received")
    assert received == Clipboard(0, 1, b"text")


def test_an_agent_at_rest_needs_no_timer():
    world = up_world()
    world.wait(11)
    world.guest.say(Reply(2, 1))
    world.wait(11)
    assert world.clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    "sign", [b"\0", bare_grab(1), announce(1, WINDOWS), b"\xff" * 9]
)
def test_a_question_is_repeated_two_seconds_after_a_sign_of_life(sign):
    """H41."""
    world = World()
    world.guest.connect()
    world.guest.heard()
    world.guest.feed(sign)
    world.guest.heard()
    world.wait(1.875)
    assert world.guest.heard() == []
    world.wait(0.75)
    assert world.guest.heard() == [ASKED]
    world.wait(60)
    assert world.guest.heard() == []


def test_a_question_is_repeated_once_and_again_in_the_next_life():
    world = World()
    world.guest.connect()
    world.guest.heard()
    for _ in range(80):
        world.guest.feed(bare_grab(1))
        world.wait(0.125)
    assert world.guest.heard() == [ASKED]
    world.guest.announce(1)
    assert world.guest.heard() == [ANSWERED]
    world.wait(20)
    assert world.guest.heard() == [ClientDisconnected(), ASKED]


def test_a_question_waits_its_two_seconds_however_long_ago_the_last_one_was():
    world = World()
    world.guest.connect()
    world.guest.announce(1)
    world.wait(0.125)
    world.guest.announce(0)
    world.guest.heard()
    world.wait(100)
    world.guest.announce(1)
    assert world.guest.heard() == [ANSWERED, ASKED]
    world.wait(1.875)
    assert world.guest.heard() == []
    world.wait(0.75)
    assert world.guest.heard() == [ClientDisconnected(), ASKED]


def test_an_agent_that_was_met_may_wait_for_the_rest_of_an_old_message():
    """H31, H41: what puts its other port back comes before the second question."""
    world = World()
    world.guest.connect()
    world.guest.announce(1)
    world.guest.heard()
    world.wait(2.5)
    assert world.guest.heard_on_ports() == [(ClientDisconnected(), 2), (ASKED, 1)]


def test_an_agent_that_stays_mute_is_connected_to_anew():
    """H41."""
    world = World()
    world.guest.connect()
    world.guest.announce(1)
    with logged() as lines:
        world.wait(31.5)
        assert not world.guest.transport.aborted
        world.wait(1)
    assert world.guest.transport.aborted
    assert len(lines.having("it answers nothing")) == 1
    world.guest.leave()
    world.guest.connect()
    world.guest.feed(bare_grab(1))
    world.wait(100)
    assert not world.guest.transport.aborted, "what it is now nobody knows"


@pytest.mark.parametrize("answers", ["windows", "late", "nobody"])
def test_no_other_is_connected_to_anew(answers):
    """H41: the Windows agent does not stand it."""
    world = World()
    world.guest.connect()
    if answers != "nobody":
        world.guest.announce(1, WINDOWS if answers == "windows" else LINUX)
    world.wait(20)
    if answers == "late":
        world.guest.announce(0)
    world.wait(100)
    assert not world.guest.transport.aborted
    assert world.clock.getDelayedCalls() == []


def test_an_answer_in_time_is_not_asked_for_again():
    world = World()
    world.guest.connect()
    world.guest.announce(1)
    world.guest.heard()
    world.wait(1.5)
    world.guest.announce(0)
    world.wait(10)
    assert world.guest.heard() == []


def test_a_question_asked_while_a_check_is_due_waits_its_two_seconds_too():
    world = up_world()
    world.guest.feed(HALF)
    world.wait(0.375)
    world.guest.feed(b"\xff" * 300)
    assert world.guest.heard() == [ASKED]
    world.guest.feed(b"\xff")
    world.wait(1.875)
    assert world.guest.heard() == []
    world.wait(0.75)
    assert world.guest.heard() == [ClientDisconnected(), ASKED]


def test_nothing_is_scheduled_for_a_connection_that_has_ended():
    world = World()
    world.guest.connect()
    world.guest.feed(HALF)
    world.guest.leave()
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


def test_what_waits_for_an_agent_that_is_lost_never_reaches_the_next():
    """H31."""
    world = up_world(Recorder(Ping))
    world.guest.transport.fill()
    world.hub.guest.send(Ping(b"for the old one"))
    world.guest.announce(1)
    world.guest.transport.drain()
    assert world.guest.heard() == [ANSWERED, ASKED]


def test_what_waits_for_a_connection_that_ends_never_reaches_the_next():
    """H31."""
    world = up_world(Recorder(Ping))
    world.guest.transport.fill()
    world.hub.guest.send(Ping(b"for the old one"))
    world.guest.leave()
    world.guest.connect()
    assert world.guest.heard() == [ASKED]


def test_a_guest_that_asks_and_does_not_read_is_owed_few_answers():
    world = World()
    world.guest.connect(FakeTransport(full=True))
    world.guest.feed(announce(1, LINUX) * 20_000)
    assert world.hub.guest.queued < 1024
    world.guest.transport.drain()
    assert len(world.guest.heard()) <= 4


def test_a_question_that_was_not_read_is_not_piled_upon():
    world = World()
    world.guest.connect(FakeTransport(full=True))
    for _ in range(20):
        world.guest.feed(b"\xff")
        world.wait(3)
    world.guest.transport.drain()
    assert len(world.guest.heard()) <= 2


@pytest.mark.parametrize(
    ("stream", "text"),
    [
        (frame(GRAB, numbers(9, 0, 1)), "bad VD_AGENT_CLIPBOARD_GRAB"),
        (frame(GRAB, numbers(0, 7, 1)), "VD_AGENT_CLIPBOARD_GRAB of the guest not"),
        (
            chunk(message(CLIPBOARD, numbers(0, 1) + b"secret" * 50)),
            "VD_AGENT_CLIPBOARD of 308 bytes, over max-message",
        ),
    ],
)
def test_what_a_guest_says_in_vain_is_one_line_without_its_content(stream, text):
    handler = Recorder(ClipboardGrab, Clipboard, relayed=Capabilities.of(5, 6, 17))
    world = up_world(handler, max_message=100)
    with logged() as lines:
        world.guest.feed(stream, one_by_one=True)
    (line,) = lines
    assert text in lines.texts[0]
    assert line["vm"] == "one"
    assert line["log_level"] in {LogLevel.warn, LogLevel.info}
    assert "secret" not in lines.all_there_is
    assert handler.told("received", "guest_lost") == []
    refused = [call[2].number for call in handler.told("dropped")]
    assert refused == ([] if "not" in text else [stream[12]])
