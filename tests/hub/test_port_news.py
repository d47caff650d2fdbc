"""What QEMU tells of the guest's port and VM, and how late."""

from __future__ import annotations

import pytest

from tests.hub.doubles import Recorder, World, logged, up_world
from tests.hub.ports import ANEW, ANSWERED, ASKED, HALF, Kernel, world_with_kernel
from tests.link.frames import CLIPBOARD, GRAB, LINUX, WINDOWS, announce, numbers
from tests.wire.decoding import frame
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import Clipboard, ClipboardGrab


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


def test_the_windows_agent_is_left_alone():
    """It announces itself when it opens the port."""
    handler = Recorder()
    world, _ = world_with_kernel(WINDOWS, handler)
    world.wait(60)
    handler.forget()
    world.hub.guest.port_opened()
    world.wait(60)
    assert handler.calls == []
    assert world.guest.heard() == []
    assert not world.guest.transport.aborted


def test_a_windows_agent_whose_port_is_closed_is_asked_again():
    handler = Recorder()
    world, _ = world_with_kernel(WINDOWS, handler)
    world.wait(60)
    handler.forget()
    world.hub.guest.port_closed()
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
