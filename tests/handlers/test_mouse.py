from __future__ import annotations

import pytest

from tests.hub.doubles import World
from tests.link.frames import LINUX, WINDOWS
from tests.wire.decoding import frame
from vdproxy.handlers.mouse import MouseHandler, make
from vdproxy.interfaces import IMessageHandler
from vdproxy.makers import NoOptions
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import ClientDisconnected, MouseState

LEFT, MIDDLE, RIGHT, UP = 2, 4, 8, 16


def at(x, buttons=0, display=0):
    return MouseState(x, 100, buttons, display)


def with_clients(count, word=LINUX):
    world = World(MouseHandler())
    world.guest.come_up(word)
    return world, *[world.ready_client() for _ in range(count)]


def stalled(count):
    """Return a world whose guest has stopped to read."""
    world, *clients = with_clients(count)
    world.guest.transport.fill()
    return world, *clients


def read_at_last(world):
    """Return what the guest hears when it reads again."""
    assert world.guest.heard() == []
    world.guest.transport.drain()
    return world.guest.heard()


def test_it_says_what_it_is():
    handler = make(NoOptions())
    assert isinstance(handler, MouseHandler)
    assert IMessageHandler.providedBy(handler)
    assert handler.messages == (MouseState,)
    assert handler.relayed == Capabilities.of(0)
    assert not handler.provided


@pytest.mark.parametrize("word", [LINUX, WINDOWS])
def test_the_states_of_one_client_are_forwarded_as_they_are(word):
    world, client = with_clients(1, word)
    states = [at(1), at(2, LEFT, 3), at(2, LEFT, 3), at(2), at(9, 0xFFFFFFFF), at(0)]
    client.say(*states)
    assert world.guest.heard() == states
    assert client.heard() == []


@pytest.mark.parametrize("port", [1, 2])
def test_a_state_counts_on_every_port_of_a_client(port):
    world, client = with_clients(1)
    client.say(at(1, LEFT), port=port)
    assert world.guest.heard() == [at(1, LEFT)]


def test_motion_of_one_client_releases_no_button_of_another():
    """H25."""
    world, holding, moving = with_clients(2)
    holding.say(at(1, LEFT))
    moving.say(at(2, display=1))
    holding.say(at(3))
    assert world.guest.heard() == [at(1, LEFT), at(2, LEFT, 1), at(3)]


def test_a_button_is_down_while_any_of_three_clients_holds_it():
    """H25."""
    world, a, b, c = with_clients(3)
    for client, state in (
        (a, at(1, LEFT)),
        (b, at(2, LEFT | RIGHT)),
        (c, at(3, MIDDLE)),
        (a, at(4)),
        (c, at(5, MIDDLE | 1 << 20)),
        (b, at(6, RIGHT)),
        (c, at(7)),
        (b, at(8)),
    ):
        client.say(state)
    assert [state.buttons for state in world.guest.heard()] == [
        LEFT,
        LEFT | RIGHT,
        LEFT | RIGHT | MIDDLE,
        LEFT | RIGHT | MIDDLE,
        LEFT | RIGHT | MIDDLE | 1 << 20,
        RIGHT | MIDDLE | 1 << 20,
        RIGHT,
        0,
    ]


def test_a_turn_of_the_wheel_is_a_pulse_beside_what_others_hold():
    world, holding, turning = with_clients(2)
    holding.say(at(1, LEFT))
    turning.say(at(2, UP), at(2), at(2, UP), at(2))
    assert [state.buttons for state in world.guest.heard()] == [
        LEFT,
        LEFT | UP,
        LEFT,
        LEFT | UP,
        LEFT,
    ]


@pytest.mark.parametrize(
    "end",
    [lambda client: client.leave(), lambda client: client.say(ClientDisconnected())],
    ids=["leaves", "begins anew"],
)
def test_the_buttons_of_a_client_that_leaves_are_released_where_the_pointer_is(end):
    """H25."""
    world, gone, other = with_clients(2)
    gone.say(at(1, LEFT | RIGHT))
    other.say(at(2, LEFT, 1))
    world.guest.heard()
    end(gone)
    assert world.guest.heard() == [at(2, LEFT, 1)]
    other.say(at(3))
    assert world.guest.heard() == [at(3)]


def test_a_client_that_leaves_and_changes_nothing_is_not_noticed():
    world, never, idle, same, holding = with_clients(4)
    idle.say(at(1))
    same.say(at(2, LEFT))
    holding.say(at(3, LEFT))
    world.guest.heard()
    for client in (never, idle, same):
        client.leave()
    assert world.guest.heard() == []


def test_a_client_that_has_not_announced_itself_moves_the_pointer_as_well():
    world, _ = with_clients(1)
    early = world.client()
    early.say(at(1, LEFT))
    early.leave()
    assert world.guest.heard() == [at(1, LEFT), at(1)]


def test_motion_that_the_guest_does_not_read_gives_way_to_newer_motion():
    world, client, other = stalled(2)
    client.say(*[at(x) for x in range(500)])
    other.say(at(500))
    client.say(at(501))
    assert world.hub.guest.queued < 100
    assert read_at_last(world) == [at(501)]
    client.say(at(502))
    assert world.guest.heard() == [at(502)]


def test_presses_and_releases_are_never_lost_nor_moved():
    world, client, other = stalled(2)
    client.say(at(1), at(2), at(3, LEFT), at(4, LEFT), at(5, LEFT))
    other.say(at(6), at(7))
    client.say(at(8), at(9, UP), at(9), at(9, UP), at(9), at(10), at(11))
    assert read_at_last(world) == [
        at(2),
        at(3, LEFT),
        at(7, LEFT),
        at(8),
        at(9, UP),
        at(9),
        at(9, UP),
        at(9),
        at(11),
    ]


def test_motion_does_not_give_way_to_motion_on_another_display():
    world, client = stalled(1)
    client.say(at(1), at(2), at(3, display=1), at(4, display=1), at(5))
    assert read_at_last(world) == [at(2), at(4, display=1), at(5)]


def test_a_release_by_leaving_is_not_lost_either():
    world, gone, other = stalled(2)
    gone.say(at(1, LEFT), at(2, LEFT))
    gone.leave()
    other.say(at(3), at(4))
    assert read_at_last(world) == [at(1, LEFT), at(2, LEFT), at(2), at(4)]


def test_motion_that_has_begun_to_go_out_stays_and_the_next_follows():
    world, client = with_clients(1)
    client.say(at(1))
    world.guest.transport.fill()
    client.say(at(2), at(3))
    world.guest.transport.drain()
    client.say(at(4))
    assert world.guest.heard() == [at(1), at(3), at(4)]


@pytest.mark.parametrize("word", [0, LINUX & ~1])
def test_an_agent_that_wants_none_is_told_none(word):
    world, client, other = with_clients(2, word)
    client.say(at(1, LEFT))
    other.say(at(2))
    client.leave()
    assert world.guest.heard() == []


def test_buttons_held_while_there_is_no_agent_are_held_when_there_is_one():
    """H25."""
    world, client, other = with_clients(2)
    world.guest.leave()
    client.say(at(1, LEFT))
    world.guest.come_up()
    other.say(at(2))
    assert world.guest.heard() == [at(2, LEFT)]


@pytest.mark.parametrize("end", ["leave", "start_anew"])
def test_a_new_agent_is_told_nothing_until_something_changes(end):
    world, client = with_clients(1)
    client.say(at(1, LEFT))
    world.guest.heard()
    if end == "leave":
        world.guest.leave()
        world.guest.connect()
    else:
        world.guest.announce(1)
    world.guest.heard()
    world.guest.announce(0)
    assert world.guest.heard() == []
    client.say(at(2, LEFT))
    assert world.guest.heard() == [at(2, LEFT)]
    client.leave()
    assert world.guest.heard() == [at(2)]


def test_for_a_new_agent_a_button_still_held_is_a_press_that_is_not_lost():
    world, client = with_clients(1)
    client.say(at(1, LEFT))
    world.guest.start_anew()
    world.guest.transport.fill()
    client.say(at(2, LEFT), at(3, LEFT), at(4, LEFT))
    assert read_at_last(world) == [at(2, LEFT), at(4, LEFT)]


def test_motion_that_waited_for_an_agent_that_is_lost_is_forgotten():
    world, client = stalled(1)
    client.say(at(1), at(2))
    world.guest.leave()
    world.guest.come_up()
    client.say(at(3))
    assert world.guest.heard() == [at(3)]


def test_what_the_guest_says_and_what_cannot_be_read_is_ignored():
    world, client = with_clients(1)
    world.guest.say(at(1, LEFT))
    client.feed(frame(1, b"?"))
    client.say(at(2))
    assert world.guest.heard() == [at(2)]
    assert client.heard() == []


def test_it_leaves_no_delayed_call():
    world, client = with_clients(1)
    client.say(at(1, LEFT))
    client.leave()
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


def test_a_button_that_came_up_while_there_was_no_agent_is_told_to_the_next():
    """H25: it may be the same one."""
    world, client = with_clients(1)
    client.say(MouseState(1, 2, 2, 0))
    world.guest.leave()
    client.say(MouseState(3, 4, 0, 0))
    world.guest.heard()
    world.guest.connect()
    world.guest.heard()
    world.guest.announce(0)
    assert world.guest.heard() == [MouseState(3, 4, 0, 0)]


def test_no_button_stays_down_when_vdproxy_stops():
    """H25."""
    world, client = with_clients(1)
    client.say(MouseState(1, 2, 2, 0))
    world.guest.heard()
    world.hub.stop()
    assert world.guest.heard() == [MouseState(1, 2, 0, 0)]
