"""Agents that are waited for in vain, and those that are doubted."""

from __future__ import annotations

import pytest

from tests.hub.doubles import Ping, Recorder, World, logged, up_world
from tests.hub.ports import ANEW, ANSWERED, ASKED, HALF, Kernel, world_with_kernel
from tests.link.frames import CLIPBOARD, GRAB, LINUX, WINDOWS, announce, grab, numbers
from tests.wire.decoding import frame
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import Clipboard, ClipboardGrab


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


@pytest.mark.parametrize("sent", [False, True])
def test_the_kernel_is_not_asked_each_time_that_an_agent_says_something(sent):
    world, kernel = world_with_kernel()
    world.wait(1)
    if sent:
        world.hub.guest.send(Ping(b"?"))
    before = kernel.times_asked
    for _ in range(100):
        world.guest.say(Ping(b"!"))
    assert kernel.times_asked == before
    world.wait(1)
    assert kernel.times_asked == before + sent


def test_an_agent_that_has_read_all_and_said_all_needs_no_timer():
    world, kernel = world_with_kernel()
    kernel.kept = 768
    world.hub.guest.send(Ping(b"?"))
    world.wait(12)
    kernel.kept = 0
    world.wait(1)
    message = world.guest.spell(Ping(b"!"))
    world.guest.feed(message[:10])
    assert len(world.clock.getDelayedCalls()) == 1
    world.guest.feed(message[10:])
    assert world.clock.getDelayedCalls() == []


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


def test_an_agent_is_not_judged_while_it_is_not_heard():
    """H30: what it says meanwhile is not known."""
    world = up_world()
    world.guest.feed(HALF)
    world.hub.guest.pause()
    world.wait(100)
    assert not world.guest.transport.aborted


def test_one_that_reads_nothing_is_judged_when_it_is_heard_again():
    world, kernel = world_with_kernel()
    kernel.kept = 768
    world.hub.guest.send(Ping(b"?"))
    world.hub.guest.pause()
    world.wait(20)
    world.hub.guest.resume()
    world.wait(31)
    assert world.guest.transport.aborted


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


def test_an_agent_that_a_handler_doubts_is_lost():
    handler = Recorder()
    world, _ = world_with_kernel(LINUX, handler)
    handler.forget()
    with logged() as lines:
        world.hub.guest.doubt("it owes an answer")
        world.wait(0)
    assert lines.having(ANEW).having("it owes an answer")
    assert world.guest.transport.aborted
    assert handler.calls == [("guest_lost",)]


def test_the_windows_agent_is_not_doubted():
    """It would believe on in what it has copied, and nobody else would."""
    handler = Recorder()
    world, _ = world_with_kernel(WINDOWS, handler)
    handler.forget()
    world.hub.guest.doubt("it owes an answer")
    world.wait(60)
    assert handler.calls == []
    assert world.guest.heard() == []


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
