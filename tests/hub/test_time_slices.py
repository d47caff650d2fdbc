"""Many small messages in one read: others have their turn between them."""

from __future__ import annotations

from itertools import groupby

import pytest

from tests.hub.doubles import FakeTransport, Ping, Recorder, Relay, World, up_world
from tests.wire.decoding import chunk

MANY = [Ping(b"%d" % number) for number in range(150)]


@pytest.fixture(params=["guest", "client"])
def end(request):
    """Return one end after the other, whose words are recorded."""
    handler = Recorder(Ping)
    world = up_world(handler)
    end = world.guest if request.param == "guest" else world.ready_client()
    end.world, end.handler = world, handler
    return end


def read(end, data):
    """Have these bytes read in one go, and nothing else happen."""
    end.peer.receive_data(data)


def told(end):
    return [call[2] for call in end.handler.told("received")]


def turn(end):
    end.world.clock.advance(0)


def test_the_rest_follows_when_others_had_their_turn(end):
    read(end, end.spell(*MANY))
    assert told(end) == MANY[:64]
    assert end.peer.gives_way
    turn(end)
    assert told(end) == MANY
    assert not end.peer.gives_way


def test_each_turn_is_one_of_the_reactors(end):
    seen = []
    read(end, end.spell(*MANY))
    end.world.clock.callLater(0, lambda: seen.append(len(told(end))))
    turn(end)
    assert seen == [128], "others did not have their turn"


def test_few_messages_wait_for_nobody(end):
    read(end, end.spell(*MANY[:63]))
    assert told(end) == MANY[:63]
    assert not end.peer.gives_way


def test_nothing_more_is_read_meanwhile(end):
    read(end, end.spell(*MANY))
    assert not end.transport.reading
    turn(end)
    assert end.transport.reading


def test_what_comes_all_the_same_comes_behind(end):
    read(end, end.spell(*MANY))
    read(end, end.spell(Ping(b"last")))
    assert len(told(end)) == 64
    turn(end)
    assert told(end) == [*MANY, Ping(b"last")]


def test_a_large_message_behind_many_is_coming_in(end):
    large = end.spell(Ping(b"x" * 100_000))
    read(end, end.spell(*MANY) + large[:50_000])
    turn(end)
    assert end.peer.assembling is not None
    assert end.peer.assembling.size == 100_000
    read(end, large[50_000:])
    assert end.peer.assembling is None
    assert told(end)[-1] == Ping(b"x" * 100_000)


def test_a_pause_holds_the_rest_back(end):
    read(end, end.spell(*MANY))
    end.peer.pause()
    turn(end)
    assert len(told(end)) == 64
    end.peer.resume()
    turn(end)
    assert told(end) == MANY


def test_a_pause_that_ends_before_its_turn_makes_no_other(end):
    read(end, end.spell(*MANY))
    end.peer.pause()
    end.peer.resume()
    assert len(told(end)) == 64
    turn(end)
    assert told(end) == MANY


def test_nothing_is_acted_upon_after_the_end(end):
    read(end, end.spell(*MANY))
    end.transport.losing = True
    end.peer.disconnected("gone")
    before = len(told(end))
    turn(end)
    assert len(told(end)) == before
    assert not end.peer.gives_way


def test_all_that_a_client_said_before_it_left_counts():
    handler = Recorder(Ping)
    world = up_world(handler)
    client = world.ready_client()
    client.peer.receive_data(client.spell(*MANY))
    client.peer.disconnected("gone")
    assert [call[2] for call in handler.told("received")] == MANY
    assert world.clock.getDelayedCalls() == [
        call for call in world.clock.getDelayedCalls() if "VMLog" in str(call)
    ]


def test_bad_framing_behind_many_disconnects():
    world = up_world(Recorder(Ping))
    client = world.ready_client()
    client.peer.receive_data(client.spell(*MANY) + chunk(b""))
    assert not client.transport.losing
    world.clock.advance(0)
    assert client.transport.losing


def test_clients_that_flood_take_turns():
    handler = Recorder(Ping)
    world = up_world(handler)
    first, second = world.ready_client(), world.ready_client()
    for client in (first, second):
        client.peer.receive_data(client.spell(*MANY))
    world.clock.advance(0)
    turns = [
        (speaker, len(list(words)))
        for speaker, words in groupby(call[1] for call in handler.told("received"))
    ]
    assert turns[:4] == [
        (first.peer, 64),
        (second.peer, 32),
        (first.peer, 32),
        (second.peer, 32),
    ]


def test_the_more_flood_the_less_each_is_heard_at_a_time():
    handler = Recorder(Ping)
    world = up_world(handler, max_clients=30)
    clients = [world.ready_client() for _ in range(30)]
    for client in clients:
        client.peer.receive_data(client.spell(*MANY))
    handler.forget()
    after_a_turn = []
    world.clock.callLater(0, lambda: after_a_turn.extend(handler.told("received")))
    world.clock.advance(0)
    assert len(after_a_turn) == 30 * 4


def test_a_flood_that_has_ended_counts_no_more():
    world = up_world(Recorder(Ping))
    first, second = world.ready_client(), world.ready_client()
    first.peer.receive_data(first.spell(*MANY))
    first.leave()
    second.peer.receive_data(second.spell(*MANY[:63]))
    assert not second.peer.gives_way


def test_one_that_floods_is_slowed_down_to_its_rate():
    handler = Recorder(Ping)
    world = World(handler, max_rate=320)
    client = world.client()
    flood = client.spell(Ping(b"?")) * 32
    for _ in range(40):
        if client.transport.reading:
            client.feed(flood)
    assert 320 <= len(handler.told("received")) <= 384, "a second's worth at once"
    handler.forget()
    for _ in range(100):
        world.clock.advance(0.1)
        if client.transport.reading:
            client.feed(flood)
    assert 3200 <= len(handler.told("received")) <= 3264


def test_the_guest_has_no_rate():
    handler = Recorder(Ping)
    world = up_world(handler, max_rate=1)
    world.guest.feed(world.guest.spell(Ping(b"?")) * 1000)
    assert len(handler.told("received")) == 1000


def test_a_message_in_many_pieces_takes_no_turns():
    world = up_world(Relay(Ping))
    client = world.ready_client()
    client.peer.receive_data(client.spell(Ping(b"x" * 300_000)))
    assert not client.peer.gives_way


def test_what_is_held_in_a_pause_is_bounded_and_read_again():
    world = up_world(Recorder(Ping))
    client = world.ready_client(transport=FakeTransport())
    client.peer.pause()
    client.feed(client.spell(Ping(b"x" * 200_000)))
    assert client.transport.reading
    client.feed(client.spell(Ping(b"x" * 100_000)))
    assert not client.transport.reading
    client.peer.resume()
    assert client.transport.reading
