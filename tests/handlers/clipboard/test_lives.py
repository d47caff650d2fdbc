"""Peers come and go, begin anew, and in the end nothing is left of them."""

from __future__ import annotations

import gc
import weakref

import pytest

from tests.handlers.clipboard.desks import (
    ALL_SELECTIONS,
    BY_DEMAND,
    NONE,
    PNG,
    TEXT,
    DeskWorld,
    all_heard,
    asked,
    desks,
    given,
    grabbed,
    released,
)
from tests.hub.doubles import GTK
from tests.link.frames import WINDOWS
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import ClientDisconnected, MaxClipboard

#: How an agent is lost.
LOSSES = {
    "end": lambda world: world.guest.leave(),
    "new agent": lambda world: world.guest.announce(1),
    "garbage": lambda world: world.guest.feed(b"\xff" * 40),
}
each_loss = pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)

#: How a client that has asked before begins anew.
RENEWALS = {
    "second question": lambda client: client.announce(1),
    "disconnected": lambda client: client.say(ClientDisconnected(), port=2),
}
each_renewal = pytest.mark.parametrize("renew", RENEWALS.values(), ids=RENEWALS)


@each_loss
def test_when_the_agent_is_lost_what_it_owned_is_gone_and_who_waits_has_nothing(lose):
    world, first, second = desks(GTK, GTK)
    world.guest.grab(TEXT, PNG)
    first.request(TEXT)
    first.request(PNG)
    lose(world)
    assert first.heard() == [grabbed(TEXT, PNG), NONE, NONE, released()]
    assert second.heard() == [grabbed(TEXT, PNG), released()]
    second.request()
    assert second.heard() == [NONE]


@each_loss
def test_when_the_agent_is_lost_clients_keep_what_they_own(lose):
    world, owner, other = desks(GTK, BY_DEMAND)
    owner.grab()
    lose(world)
    other.request()
    owner.give(b"x")
    assert other.heard() == [grabbed(), given(b"x")]
    assert owner.heard() == [asked()]


@each_loss
def test_while_the_guest_is_down_clients_go_on_among_themselves(lose):
    """H15."""
    world, first, second = desks(GTK, BY_DEMAND)
    lose(world)
    first.grab(TEXT)
    assert second.heard() == [grabbed(TEXT)]
    second.grab(PNG)
    first.request(PNG)
    second.give(b"png", PNG)
    assert first.heard() == [grabbed(PNG), given(b"png", PNG)]
    second.release()
    world.wait(0.5)
    assert first.heard() == [released()]


def test_an_agent_that_returns_is_told_what_clients_own_now():
    """H14."""
    world, first, second = desks(GTK, GTK)
    first.grab(TEXT)
    world.guest.heard()
    world.guest.leave()
    second.grab(PNG)
    world.guest.connect()
    world.guest.heard()
    world.guest.stamps.clear()
    world.guest.announce(0)
    assert world.guest.heard() == [MaxClipboard(100 * 1024 * 1024), grabbed(PNG)]
    assert world.guest.stamps == [0]
    world.guest.request(PNG)
    assert second.heard() == [grabbed(TEXT), asked(PNG)]


def test_an_agent_that_is_replaced_on_its_connection_is_told_what_clients_own():
    """H14."""
    world, client = desks(GTK)
    for _ in range(3):
        client.grab(TEXT)
    world.guest.heard()
    world.guest.stamps.clear()
    world.guest.announce(1)
    world.guest.heard()
    world.guest.announce(0)
    assert world.guest.heard()[-1] == grabbed(TEXT)
    assert world.guest.stamps == [0]
    client.grab(PNG)
    assert world.guest.heard() == [grabbed(PNG)]


def test_an_agent_that_returns_is_told_nothing_of_what_is_gone():
    """H14."""
    world, client = desks(GTK)
    client.grab()
    world.guest.leave()
    client.release()
    world.guest.connect()
    world.guest.heard()
    world.guest.announce(0)
    assert world.guest.heard() == [MaxClipboard(100 * 1024 * 1024)]


def test_what_an_agent_grabs_when_it_has_returned_is_told():
    """H18."""
    world, client = desks(GTK)
    for _ in range(2):
        world.guest.grab()
        assert client.heard() == [grabbed()]
        world.guest.start_anew()
        assert client.heard() == [released()]


def test_an_agent_is_not_given_what_another_one_asked_for():
    """H13."""
    world, owner = desks(GTK)
    owner.grab()
    world.guest.request(TEXT)
    world.guest.start_anew()
    owner.give(b"x")
    world.wait(10)
    assert world.guest.heard() == []
    world.guest.request()
    owner.give(b"y")
    assert world.guest.heard() == [given(b"y")]


def test_what_an_agent_owes_another_one_does_not():
    """H13."""
    world, client = desks(GTK)
    world.guest.grab()
    client.request()
    world.guest.start_anew()
    world.guest.grab()
    client.heard()
    client.request()
    assert world.guest.heard() == [asked()]


def test_clients_that_are_offered_something_else_are_told_again():
    """H2, H14, H18."""
    world, owner, other = desks(GTK, GTK)
    for _ in range(3):
        owner.grab()
    other.heard()
    world.guest.start_anew(WINDOWS)
    assert [message.number for message in other.heard()] == [6]
    other.announce(0)
    assert other.heard() == [grabbed()]
    assert other.stamps == [0, 1, 2, 0]
    world.guest.heard()
    owner.grab(PNG)
    assert all_heard(world.guest, other) == [[grabbed(PNG)]] * 2
    owner.heard()
    owner.announce(0)
    world.guest.grab(TEXT)
    assert owner.heard() == [grabbed(TEXT)]


def test_before_its_handshake_is_done_an_agent_grabs_nothing():
    world, client = desks(GTK)
    world.guest.announce(1)
    world.guest.heard()
    world.guest.grab()
    assert client.heard() == []


def test_when_an_owner_leaves_what_it_owned_is_gone():
    """H12."""
    world, owner, other = desks(GTK, BY_DEMAND)
    owner.grab()
    owner.leave()
    assert all_heard(world.guest, other) == [[grabbed(), released()]] * 2
    world.guest.request()
    other.request()
    assert all_heard(world.guest, other) == [[NONE], [NONE]]


def test_when_another_leaves_nothing_is_told():
    """H21."""
    world, owner, gone, other = desks(GTK, GTK, GTK)
    owner.grab()
    gone.request()
    gone.leave()
    owner.give(b"x")
    assert all_heard(world.guest, other) == [[grabbed()]] * 2
    world.guest.request()
    assert owner.heard() == [asked(), asked()]


@each_renewal
def test_an_owner_that_begins_anew_owns_nothing(renew):
    """H12."""
    world, other = desks(GTK)
    owner = world.asking_client()
    owner.grab()
    world.guest.request()
    owner.heard()
    renew(owner)
    assert world.guest.heard() == [grabbed(), NONE, released()]
    assert other.heard() == [grabbed(), released()]
    world.guest.request()
    assert world.guest.heard() == [NONE]
    assert asked() not in owner.heard()
    owner.grab(PNG)
    assert all_heard(world.guest, other) == [[grabbed(PNG)]] * 2


@each_renewal
def test_one_that_begins_anew_is_told_what_others_own(renew):
    """H14."""
    world, owner = desks(GTK)
    client = world.asking_client()
    owner.grab(PNG)
    world.guest.grab(TEXT)
    client.heard()
    renew(client)
    assert client.heard()[-1] == grabbed(TEXT)
    client.request()
    world.guest.give(b"x")
    assert client.heard() == [given(b"x")]


def test_an_answer_to_an_owner_that_announces_the_same_again_counts():
    world, owner = desks(GTK)
    owner.grab()
    world.guest.request()
    owner.announce(0)
    owner.give(b"x")
    assert world.guest.heard() == [grabbed(), given(b"x")]


def test_an_owner_that_has_no_clipboard_any_more_is_not_asked():
    world, owner, other = desks(GTK, GTK)
    owner.grab()
    owner.announce(0, GTK & ~Capabilities.of(5).bits)
    for end in (world.guest, other):
        end.request()
        assert [m for m in end.heard() if m != released()] == [grabbed(), NONE]
    assert owner.heard() == []


def test_one_that_has_no_clipboard_any_more_is_told_nothing_of_it():
    world, client, other = desks(GTK, GTK)
    world.guest.grab()
    client.heard()
    client.announce(0, GTK & ~Capabilities.of(5).bits)
    other.grab()
    other.release()
    assert client.heard() == []


def busy(world):
    """Have everything that may wait wait, and return the clients."""
    clients = [world.ready_client(word) for word in (GTK, BY_DEMAND, GTK)]
    owner, hasty, other = clients
    other.say(MaxClipboard(100))
    for _ in range(30):
        owner.grab(TEXT, PNG)
    world.guest.grab(TEXT, PNG, selection=1)
    hasty.grab(TEXT)
    hasty.say(released())
    owner.grab(TEXT)
    other.grab(TEXT, selection=2)
    for end in (world.guest, *clients):
        for selection in range(3):
            if selection == 0 or end is not hasty:
                end.request(TEXT, selection)
                end.request(PNG, selection)
    world.guest.give(b"kept", TEXT, 1)
    other.feed(other.spell(given(bytes(9999), TEXT, 2))[:4000])
    all_heard(world.guest, *clients)
    return clients


def busy_world():
    world = DeskWorld(selections=ALL_SELECTIONS)
    world.guest.come_up()
    return world, busy(world)


def state(thing):
    """Return what the clipboard handler knows, as values that can be compared."""
    if isinstance(thing, (list, tuple, set)) or hasattr(thing, "maxlen"):
        return [state(item) for item in thing]
    if type(thing).__module__.startswith("vdproxy.handlers.clipboard"):
        fields = {name: getattr(thing, name) for name in _fields(thing)}
        return {name: state(value) for name, value in fields.items()}
    if isinstance(thing, dict):
        return {str(key): state(value) for key, value in thing.items()}
    return repr(thing) if isinstance(thing, (int, str, bytes, float)) else bool(thing)


def _fields(thing):
    names = getattr(thing, "__slots__", None) or vars(thing)
    return [name for name in names if name not in ("_vm", "_clock", "_options")]


def test_when_everybody_has_left_nothing_is_left():
    world, clients = busy_world()
    unused = DeskWorld(selections=ALL_SELECTIONS)
    assert state(world.handler) != state(unused.handler)
    for client in clients:
        client.leave()
    world.guest.leave()
    del clients, client
    gc.collect()
    world.wait(61)
    assert world.nothing_runs()
    assert state(world.handler) == state(unused.handler)


def test_a_client_that_has_left_is_forgotten():
    world, clients = busy_world()
    left = [weakref.ref(client.peer) for client in clients]
    for client in clients:
        client.leave()
    del clients, client
    gc.collect()
    assert [peer() for peer in left] == [None, None, None]
    assert world.guest.heard()[-1].number == 9


def test_in_time_every_timer_ends_by_itself():
    world, clients = busy_world()
    clients[2].leave()
    world.wait(70)
    assert world.nothing_runs()


@pytest.mark.parametrize("guest", ["up", "down"])
def test_when_vdproxy_stops_who_waits_has_nothing_and_nothing_runs(guest):
    world, owner, other = desks(GTK, GTK)
    owner.grab(TEXT, PNG)
    all_heard(world.guest, other)
    if guest == "down":
        world.guest.leave()
    world.guest.request()
    other.request()
    other.request(PNG)
    world.hub.stop()
    assert other.heard() == [NONE, NONE, released()]
    if guest == "up":
        assert world.guest.heard() == [NONE, released()]
        world.guest.leave()
    for client in (owner, other):
        client.leave()
    assert world.nothing_runs()


def test_when_vdproxy_stops_what_the_guest_owns_is_gone_for_clients():
    world, client = desks(GTK, guest=WINDOWS)
    world.guest.grab()
    client.request()
    world.guest.release()
    world.hub.stop()
    assert client.heard() == [grabbed(), NONE, released()]
    client.leave()
    world.guest.leave()
    assert world.nothing_runs()


def test_when_vdproxy_stops_a_grab_that_is_held_counts_no_more():
    """H39."""
    world, clients = busy_world()
    for _ in range(30):
        clients[2].grab()
    world.hub.stop()
    for client in clients:
        client.leave()
    world.guest.leave()
    assert world.nothing_runs()
