"""Agents that are waited for in vain, and what QEMU tells of their port."""

from __future__ import annotations

import pytest

from tests.hub.doubles import Ping, Recorder, World, logged, up_world
from tests.link.frames import CLIPBOARD, GRAB, LINUX, WINDOWS, announce, grab, numbers
from tests.wire.decoding import frame
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import AnnounceCapabilities, Clipboard, ClipboardGrab

ASKED = AnnounceCapabilities(1, (0,))
ANSWERED = AnnounceCapabilities(0, (0,))

#: 200 bytes of a message, of which more is to come.
HALF = frame(CLIPBOARD, numbers(0, 1) + bytes(300), per_chunk=500)[:200]

ANEW = "is made anew"


class Kernel:
    """What the kernel keeps of what was sent."""

    def __init__(self):
        self.kept = 0

    def __call__(self):
        return self.kept


def world_with_kernel(word=LINUX, *handlers):
    """Return a world whose agent is up, and its kernel."""
    world, kernel = World(*handlers or (Recorder(Ping),)), Kernel()
    world.guest.connect(untaken=kernel)
    world.guest.announce(0, word)
    world.guest.heard()
    return world, kernel


# Stalls: no sign of another agent.


def test_an_agent_that_says_no_more_of_a_message_is_connected_to_anew():
    """H30."""
    world = up_world()
    world.guest.feed(HALF)
    with logged() as lines:
        world.wait(29.5)
        assert not world.guest.transport.aborted
        world.wait(1)
    assert world.guest.transport.aborted
    assert world.hub.guest.state == "down", "nothing more is said, or heard, there"
    assert len(lines.having(ANEW).having("says no more of a message")) == 1
    assert len(lines.having("agent is lost")) == 1
    world.guest.leave()
    assert len(lines.having("agent is lost")) == 1


def test_each_byte_of_it_is_a_sign_of_life():
    """H29."""
    world = up_world()
    for byte in HALF:
        world.guest.feed(bytes([byte]))
        world.wait(20)
    assert not world.guest.transport.aborted


def test_an_agent_that_reads_nothing_is_connected_to_anew():
    """H31."""
    world, kernel = world_with_kernel()
    kernel.kept = 768
    world.hub.guest.send(Ping(b"?"))
    with logged() as lines:
        world.wait(29.5)
        assert not world.guest.transport.aborted
        world.wait(1.5)
    assert world.guest.transport.aborted
    assert len(lines.having(ANEW).having("reads nothing")) == 1


def test_one_whose_socket_is_full_as_well_where_no_kernel_tells():
    world = up_world(Recorder(Ping))
    world.guest.transport.fill()
    world.hub.guest.send(Ping(b"?"))
    world.wait(31)
    assert world.guest.transport.aborted


def test_an_agent_that_reads_slowly_is_left_alone():
    world, kernel = world_with_kernel()
    kernel.kept = 200_000
    world.hub.guest.send(Ping(b"?"))
    for _ in range(20):
        world.wait(20)
        kernel.kept -= 768
    assert not world.guest.transport.aborted


def test_an_agent_that_reads_late_needs_no_timer():
    world, kernel = world_with_kernel()
    kernel.kept = 768
    world.hub.guest.send(Ping(b"?"))
    world.wait(20)
    kernel.kept = 0
    world.wait(12)
    assert world.clock.getDelayedCalls() == []
    assert not world.guest.transport.aborted


def test_a_question_that_nobody_reads_is_no_stall():
    """H31: it waits for an agent to come."""
    world, kernel = World(), Kernel()
    kernel.kept = 768
    world.guest.connect(untaken=kernel)
    world.wait(100)
    assert not world.guest.transport.aborted
    assert world.clock.getDelayedCalls() == []


@pytest.mark.parametrize("stall", ["half a message", "nothing read"])
def test_the_windows_agent_stands_no_new_connection(stall):
    world, kernel = world_with_kernel(WINDOWS)
    if stall == "half a message":
        world.guest.feed(HALF)
    else:
        kernel.kept = 768
        world.hub.guest.send(Ping(b"?"))
    world.wait(100)
    assert not world.guest.transport.aborted
    assert world.hub.guest.up
    assert world.clock.getDelayedCalls() == []


@pytest.mark.parametrize("stall", ["half a message", "nothing read", "mute"])
def test_the_agent_of_a_vm_that_stands_still_is_waited_for(stall):
    world, kernel = world_with_kernel()
    if stall == "half a message":
        world.guest.feed(HALF)
    elif stall == "mute":
        world.guest.announce(1)
        world.wait(5)
    else:
        kernel.kept = 768
        world.hub.guest.send(Ping(b"?"))
    world.wait(20)
    world.hub.guest.vm_stopped()
    world.wait(1000)
    assert not world.guest.transport.aborted
    world.hub.guest.vm_resumed()
    world.wait(29.5)
    assert not world.guest.transport.aborted, "it has all its time again"
    world.wait(2)
    assert world.guest.transport.aborted


def test_a_vm_that_stood_still_before_the_connection_is_known_to():
    world = World()
    world.hub.guest.vm_stopped()
    world.guest.come_up()
    world.guest.feed(HALF)
    world.wait(100)
    assert not world.guest.transport.aborted
    world.hub.guest.vm_resumed()
    world.wait(31)
    assert world.guest.transport.aborted


# What QEMU tells of the port.


def test_the_word_of_an_opening_finds_a_new_agent_in_half_a_message_at_once():
    """H30, H32."""
    handler = Recorder()
    for early in (True, False):
        world = up_world(handler)
        world.wait(60)
        handler.forget()
        world.guest.feed(HALF)
        if early:
            world.hub.guest.port_opened()
        world.guest.announce(1)
        if not early:
            assert handler.calls == []
            world.hub.guest.port_opened()
        assert handler.calls == [("guest_lost",)]
        assert world.guest.heard() == [ANSWERED, ASKED]


def test_the_word_of_an_opening_that_was_seen_changes_nothing():
    """H32: it is up to a second late."""
    handler = Recorder()
    world = up_world(handler)
    world.wait(1)
    handler.forget()
    world.hub.guest.port_opened()
    world.wait(60)
    assert handler.calls == []
    assert world.guest.heard() == []


def test_an_agent_that_opens_its_port_and_says_nothing_gets_a_new_connection():
    """It has read the rest of what was for another one, and begun anew."""
    world = up_world()
    world.wait(60)
    world.hub.guest.port_opened()
    world.wait(0.375)
    assert not world.guest.transport.aborted
    with logged() as lines:
        world.wait(0.625)
    assert world.guest.transport.aborted
    assert len(lines.having(ANEW).having("does not announce itself")) == 1


def test_the_windows_agent_is_asked_who_it_is():
    handler = Recorder()
    world, _ = world_with_kernel(WINDOWS, handler)
    world.wait(60)
    handler.forget()
    world.hub.guest.port_opened()
    world.wait(1)
    assert handler.calls == [("guest_lost",)]
    assert world.guest.heard() == [ASKED]
    world.wait(2.5)
    assert world.guest.heard() == [ASKED], "it may have been in the middle of something"
    world.guest.announce(0)
    assert [call[0] for call in handler.calls] == ["guest_lost", "guest_up"]
    assert not world.guest.transport.aborted


def test_one_whose_vm_stands_still_is_given_time():
    world = up_world()
    world.wait(60)
    world.hub.guest.port_opened()
    world.hub.guest.vm_stopped()
    world.wait(60)
    assert world.hub.guest.up
    world.hub.guest.vm_resumed()
    world.wait(1)
    assert world.guest.transport.aborted


def test_one_that_announces_itself_a_little_later_is_not():
    handler = Recorder()
    world = up_world(handler)
    world.wait(60)
    handler.forget()
    world.hub.guest.port_opened()
    world.wait(0.25)
    world.guest.announce(1)
    world.guest.announce(0)
    world.wait(60)
    assert [call[0] for call in handler.calls] == ["guest_lost", "guest_up"]
    assert world.guest.heard() == [ANSWERED, ASKED]


def test_what_the_old_one_said_is_read_to_its_end_first():
    """H32: QEMU's word overtakes the port's bytes."""
    handler = Recorder(ClipboardGrab, relayed=Capabilities.of(5, 6))
    world = up_world(handler)
    world.wait(60)
    world.hub.guest.port_opened()
    for _ in range(20):
        world.guest.feed(frame(GRAB, numbers(0, 1)))
        world.wait(0.375)
    assert world.hub.guest.up
    assert len(handler.told("received")) == 20
    world.guest.announce(1)
    world.guest.announce(0)
    world.wait(60)
    assert world.hub.guest.up


@pytest.mark.parametrize("word", [LINUX, WINDOWS])
def test_an_agent_whose_port_is_closed_is_lost_after_its_last_words(word):
    handler = Recorder(ClipboardGrab, relayed=Capabilities.of(5))
    world, _ = world_with_kernel(word, handler)
    world.wait(60)
    world.hub.guest.port_closed()
    world.wait(0.125)
    world.guest.feed(frame(GRAB, numbers(1)))
    assert len(handler.told("received")) == 1
    world.wait(0.25)
    assert world.hub.guest.up
    with logged() as lines:
        world.wait(0.625)
    assert lines.having("it has closed its port")
    assert world.guest.transport.aborted == (word == LINUX)
    assert not world.hub.guest.up


@pytest.mark.parametrize("word", [LINUX, WINDOWS])
def test_what_it_has_not_read_never_reaches_its_successor(word):
    """H31."""
    world, kernel = world_with_kernel(word)
    world.wait(60)
    kernel.kept = 100_000
    world.hub.guest.port_closed()
    world.wait(0)
    assert world.guest.transport.aborted == (word == LINUX)
    assert not world.hub.guest.up


def test_a_port_that_was_never_open_is_no_news():
    world, kernel = World(), Kernel()
    kernel.kept = 768
    world.guest.connect(untaken=kernel)
    assert world.guest.heard() == [ASKED]
    world.hub.guest.port_closed()
    world.wait(60)
    assert not world.guest.transport.aborted
    assert world.guest.heard() == []
    world.hub.guest.port_opened()
    world.guest.announce(0)
    assert world.hub.guest.up


def test_a_port_that_opens_again_meanwhile_is_not_taken_for_closed():
    handler = Recorder()
    world = up_world(handler)
    world.wait(60)
    handler.forget()
    world.hub.guest.port_closed()
    world.wait(0.125)
    world.hub.guest.port_opened()
    world.guest.announce(1)
    world.guest.announce(0)
    world.wait(60)
    assert [call[0] for call in handler.calls] == ["guest_lost", "guest_up"]


def test_an_agent_that_opens_its_port_and_does_not_answer_is_asked_again():
    """H41: with QEMU's word it need not have spoken."""
    world = World()
    world.guest.connect()
    world.guest.heard()
    world.hub.guest.port_opened()
    world.wait(2.5)
    assert world.guest.heard() == [ASKED]
    world.wait(60)
    assert world.guest.heard() == []


def test_news_without_a_connection_are_no_news():
    world = World()
    world.hub.guest.port_opened()
    world.hub.guest.port_closed()
    world.guest.come_up()
    world.wait(60)
    assert world.hub.guest.up


@pytest.mark.parametrize("news", ["port_opened", "port_closed"])
def test_nothing_is_scheduled_for_a_connection_that_has_ended(news):
    world = up_world()
    world.wait(60)
    getattr(world.hub.guest, news)()
    world.guest.feed(HALF)
    world.guest.leave()
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


def test_an_agent_is_not_judged_while_it_is_not_heard():
    """H30: what it says meanwhile is not known."""
    world = up_world()
    world.guest.feed(HALF)
    world.hub.guest.pause()
    world.wait(100)
    assert not world.guest.transport.aborted


# Another agent, in the middle of what was for its predecessor.


def cut_short(word):
    """Return a world whose agent died with half a message before it."""
    world, kernel = world_with_kernel(LINUX, Recorder(Clipboard))
    kernel.kept = 200_000
    world.guest.transport.drain(room=1)
    world.hub.guest.send(Clipboard(0, 1, bytes(500_000)))
    world.guest.announce(1, word)
    return world


def test_a_new_agent_in_the_middle_of_what_was_not_for_it_gets_a_new_connection():
    """H31."""
    with logged() as lines:
        world = cut_short(LINUX)
    assert world.guest.transport.aborted
    assert len(lines.having(ANEW).having("its predecessor")) == 1


def test_the_windows_agent_gets_none():
    assert not cut_short(WINDOWS).guest.transport.aborted


def test_a_new_agent_with_nothing_in_its_way_gets_none():
    world, _ = world_with_kernel()
    world.hub.guest.send(Ping(b"?"))
    world.guest.announce(1, LINUX)
    assert not world.guest.transport.aborted
    assert world.guest.heard() == [Ping(b"?"), ANSWERED, ASKED]


# Doubts of handlers.


@pytest.mark.parametrize("word", [LINUX, WINDOWS])
def test_an_agent_that_a_handler_doubts_is_lost(word):
    handler = Recorder()
    world, _ = world_with_kernel(word, handler)
    handler.forget()
    with logged() as lines:
        world.hub.guest.doubt("it owes an answer")
        world.wait(0)
    assert lines.having("it owes an answer")
    if word == LINUX:
        assert world.guest.transport.aborted
    else:
        assert handler.calls == [("guest_lost",)]
        assert world.guest.heard() == [ASKED]
        world.guest.announce(0)
        assert world.hub.guest.up


@pytest.mark.parametrize("sign", ["says", "reads"])
def test_one_that_shows_a_sign_of_life_is_not_doubted(sign):
    world = up_world(Recorder(Ping))
    world.wait(20)
    if sign == "says":
        world.guest.say(Ping(b"!"))
    else:
        world.guest.transport.fill()
        world.hub.guest.send(Ping(b"?"))
    world.wait(15)
    world.hub.guest.doubt("it owes an answer", silent_for=20)
    world.wait(0)
    assert not world.guest.transport.aborted
    world.guest.transport.drain()
    world.wait(15)
    world.hub.guest.doubt("it owes an answer", silent_for=20)
    world.wait(0)
    assert world.guest.transport.aborted


@pytest.mark.parametrize("state", ["stopped", "not up", "gone"])
def test_there_is_no_doubt_where_nothing_can_come(state):
    world = World()
    if state != "gone":
        world.guest.connect()
    if state == "stopped":
        world.guest.announce(0, LINUX)
        world.hub.guest.vm_stopped()
    world.guest.heard()
    world.hub.guest.doubt("it owes an answer")
    world.wait(1)
    assert world.guest.heard() == []
    assert world.hub.guest.up == (state == "stopped")


def test_a_message_that_is_coming_in_can_be_left_out():
    handler = Recorder(Clipboard, relayed=Capabilities.of(5, 6))
    world = up_world(handler)
    stream = frame(CLIPBOARD, numbers(0, 1) + b"secret" * 1000, per_chunk=9999)
    world.guest.feed(stream[:3000])
    with logged() as lines:
        world.hub.guest.skip_incoming("memory is short")
    (line,) = lines.texts
    assert "VD_AGENT_CLIPBOARD of 6008 bytes, memory is short" in line
    assert "secret" not in lines.all_there_is
    world.guest.feed(stream[3000:])
    assert handler.told("received", "guest_lost") == []
    ((_, _, unknown, reason),) = handler.told("dropped")
    assert (unknown.number, reason) == (CLIPBOARD, "memory is short")
    world.hub.guest.skip_incoming("memory is short")
    assert len(handler.told("dropped")) == 1


def test_every_word_of_a_new_agent_in_sync_counts_at_once():
    handler = Recorder(ClipboardGrab, relayed=Capabilities.of(5, 6, 17))
    world = up_world(handler)
    world.guest.feed(announce(1, LINUX) + announce(0, LINUX) + grab(0, 1))
    assert [call[0] for call in handler.calls[-3:]] == [
        "guest_lost",
        "guest_up",
        "received",
    ]


def test_the_word_of_a_closing_has_a_successor_met_at_once():
    """H30: its opening is told of a second later."""
    world = up_world()
    world.wait(60)
    world.guest.feed(HALF)
    world.hub.guest.port_closed()
    world.wait(0.125)
    world.guest.announce(1)
    assert world.guest.heard() == [ANSWERED, ASKED]
    world.guest.announce(0)
    world.wait(0.875)
    world.hub.guest.port_opened()
    world.wait(60)
    assert world.hub.guest.up
    assert not world.guest.transport.aborted


@pytest.mark.parametrize("word_first", [True, False])
def test_an_announcement_is_that_of_one_opening_only(word_first):
    """H32: another agent has opened the port in between, and says nothing."""
    world = up_world()
    world.wait(60)
    if word_first:
        world.hub.guest.port_opened()
    world.guest.announce(1)
    world.guest.announce(0)
    if not word_first:
        world.hub.guest.port_opened()
    world.wait(1)
    assert not world.guest.transport.aborted
    world.hub.guest.port_opened()
    world.wait(1)
    assert world.guest.transport.aborted


@pytest.mark.parametrize("late", [0.0, 1.0])
def test_the_opening_that_a_new_connection_leads_to_is_that_of_its_first_answer(late):
    world = up_world()
    world.wait(60)
    world.guest.leave()
    world.guest.connect()
    world.guest.announce(0)
    world.wait(late)
    world.hub.guest.port_opened()
    world.wait(60)
    assert world.hub.guest.up
    assert not world.guest.transport.aborted


def test_content_stays_content_after_the_word_of_an_opening_that_was_seen():
    """H30, H32."""
    handler = Recorder(Clipboard, relayed=Capabilities.of(5))
    world = up_world(handler)
    world.wait(1)
    world.hub.guest.port_opened()
    world.wait(100)
    mark = announce(1, LINUX)
    stream = frame(CLIPBOARD, numbers(0, 1) + mark + b"more", per_chunk=999)
    cut = stream.index(mark) + len(mark)
    world.guest.feed(stream[:cut])
    world.guest.feed(stream[cut:])
    assert handler.told("guest_lost") == []
    ((_, _, received),) = handler.told("received")
    assert received == Clipboard(0, 1, mark + b"more")


def test_a_port_that_is_closed_in_a_vm_that_stands_still_is_acted_upon():
    """H31: it is told once."""
    world, kernel = world_with_kernel()
    world.wait(60)
    world.hub.guest.vm_stopped()
    kernel.kept = 100_000
    world.hub.guest.port_closed()
    world.wait(0)
    assert world.guest.transport.aborted


@pytest.mark.parametrize("word_comes", [True, False])
def test_a_closing_that_is_told_behind_the_next_announcement_is_an_old_one(word_comes):
    """H32: unless the word of the opening does not follow."""
    world, kernel = world_with_kernel()
    world.wait(60)
    world.guest.announce(1)
    world.guest.announce(0)
    kernel.kept = 768
    world.hub.guest.port_closed()
    world.wait(1)
    assert not world.guest.transport.aborted
    kernel.kept = 0
    if word_comes:
        world.hub.guest.port_opened()
    world.wait(20)
    assert world.guest.transport.aborted == (not word_comes)


def test_no_second_of_quiet_passes_in_a_vm_that_stands_still():
    """H30: nothing can come there."""
    world = up_world()
    world.guest.feed(HALF + announce(1, LINUX)[:-1])
    world.hub.guest.vm_stopped()
    world.guest.feed(announce(1, LINUX)[-1:])
    world.wait(100)
    assert world.hub.guest.up
    world.hub.guest.vm_resumed()
    world.wait(2)
    assert not world.hub.guest.up


def test_what_was_said_before_the_end_of_the_connection_is_acted_upon():
    handler = Recorder(ClipboardGrab, relayed=Capabilities.of(5))
    world = up_world(handler)
    world.hub.guest.receive_data(frame(GRAB, numbers(0, 1)) * 200)
    world.guest.leave()
    assert len(handler.told("received")) == 200
