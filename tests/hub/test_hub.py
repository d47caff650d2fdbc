from __future__ import annotations

import pytest

from tests.hub.doubles import (
    GTK,
    PINGS,
    FakeTransport,
    Ping,
    Recorder,
    Relay,
    World,
    logged,
    monitors_world,
    up_world,
)
from tests.link.frames import (
    CLIPBOARD,
    LINUX,
    REQUEST,
    WINDOWS,
    monitors_config,
    numbers,
    reply,
)
from tests.wire.decoding import frame
from tests.wire.feeding import byte_by_byte
from vdproxy.errors import Refused
from vdproxy.handlers.monitors import MonitorsHandler
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardRequest,
    MonConfig,
    MonitorsConfig,
    MouseState,
    Reply,
    Unknown,
)

CONFIG = MonitorsConfig(0, (MonConfig(800, 600),))
CLIPBOARDS = Capabilities.of(5, 6, 17)


@pytest.mark.parametrize("one_by_one", [True, False])
def test_a_request_goes_to_the_guest_and_the_reply_to_that_client_only(one_by_one):
    world = monitors_world()
    clients = [world.ready_client() for _ in range(3)]
    clients[1].say(CONFIG, one_by_one=one_by_one)
    assert world.guest.heard() == [CONFIG]
    world.guest.say(Reply(2, 1), one_by_one=one_by_one)
    assert [client.heard() for client in clients] == [[], [Reply(2, 1)], []]


def test_requests_and_replies_in_one_read_are_taken_one_by_one():
    world = monitors_world()
    client = world.ready_client()
    client.feed(monitors_config(800, 600) + reply() + monitors_config(80, 60))
    world.guest.feed(reply(1) + reply(2))
    assert client.heard() == [Reply(2, 1), Reply(2, 2)]


#: Words of three kinds of clients, and what a REQUEST and data look like to each.
KINDS = {
    GTK: (numbers(0, 1), numbers(0, 1)),
    Capabilities.of(0, 5).bits: (numbers(1), numbers(1)),
    0: (numbers(1), numbers(1)),
}


def test_each_client_is_spoken_to_in_its_own_layout():
    """H19."""
    handler = Relay(ClipboardRequest, Clipboard, relayed=CLIPBOARDS)
    world = up_world(handler)
    clients = {word: world.ready_client(word) for word in KINDS}
    world.guest.say(ClipboardRequest(0, 1), Clipboard(0, 1, b"text"))
    for word, (request, data) in KINDS.items():
        client = clients[word]
        expected = frame(REQUEST, request) + frame(CLIPBOARD, data + b"text")
        assert bytes(client.transport.written).endswith(expected), f"{word:#x}"
        assert client.heard() == [ClipboardRequest(0, 1), Clipboard(0, 1, b"text")]


def test_each_client_is_understood_in_its_own_layout():
    """H19."""
    handler = Relay(ClipboardRequest, Clipboard, relayed=CLIPBOARDS)
    world = up_world(handler)
    for word, (request, data) in KINDS.items():
        stream = frame(REQUEST, request) + frame(CLIPBOARD, data + b"text")
        for pieces in ([stream], byte_by_byte(stream)):
            client = world.ready_client(word)
            for piece in pieces:
                client.feed(piece)
            expected = [ClipboardRequest(0, 1), Clipboard(0, 1, b"text")]
            assert world.guest.heard() == expected, f"{word:#x}"


def test_what_one_client_cannot_be_told_harms_no_other():
    """H19: PRIMARY is unknown to a client without selections."""

    class Careful(Relay):
        def received(self, peer, message):
            for client in self.vm.clients:
                if 6 in client.announced:
                    client.send(message)

    handler = Careful(ClipboardRequest, relayed=CLIPBOARDS)
    world = up_world(handler)
    bare, full = world.ready_client(0), world.ready_client(GTK)
    world.guest.say(ClipboardRequest(1, 1))
    assert bare.heard() == []
    assert full.heard() == [ClipboardRequest(1, 1)]


def test_no_more_clients_than_may_be():
    world = monitors_world(max_clients=2)
    first, second = world.ready_client(), world.ready_client()
    with logged() as lines, pytest.raises(Refused, match="2 clients"):
        world.client()
    assert len(lines.having("max-clients")) == 1
    assert len(world.hub.clients) == 2
    second.say(CONFIG)
    assert world.guest.heard() == [CONFIG]
    first.leave()
    assert world.client().heard() != []


def test_ids_of_clients_are_never_used_again():
    world = monitors_world()
    ids = []
    for _ in range(3):
        client = world.client()
        ids.append(client.peer.id)
        client.leave()
    assert len(set(ids)) == 3


@pytest.mark.parametrize("port", [1, 2])
def test_a_type_that_nobody_owns_is_dropped_with_one_line(port):
    world = monitors_world()
    client, other = world.ready_client(), world.ready_client()
    with logged() as lines:
        client.say(*[MouseState(1, 2, 0, 0)] * 3, port=port)
        other.say(MouseState(1, 2, 0, 0), Unknown(1000, b"secret"))
        world.guest.say(Unknown(1000, b"secret"), MouseState(1, 2, 0, 0))
    assert len(lines) == 2
    assert "VD_AGENT_MOUSE_STATE of vdi#1" in lines.texts[0]
    assert "1000 of vdi#2" in lines.texts[1]
    assert "secret" not in lines.all_there_is
    assert world.guest.heard() == []
    assert client.heard() == []


def test_types_that_a_peer_makes_up_do_not_flood_the_log():
    world = monitors_world()
    client = world.ready_client()
    with logged() as lines:
        for number in range(1000, 3000):
            client.say(Unknown(number, b""))
            world.wait(1)
    assert len(lines) <= 100


def test_what_goes_to_one_peer_is_never_interleaved():
    """H3."""
    world = up_world(Relay(Ping))
    clients = [world.ready_client() for _ in range(3)]
    world.guest.transport.drain(room=1)
    sent = []
    for number in range(4):
        for index, client in enumerate(clients):
            sent.append(Ping(bytes([number, index]) * 60_000 * index))
            client.say(sent[-1])
        world.guest.transport.drain(room=1)
    while world.hub.guest.queued:
        world.guest.transport.drain(room=70_000)
    assert world.guest.heard() == sent


def test_clients_that_connect_while_the_guest_is_down_are_told_nothing():
    world = World(MonitorsHandler())
    clients = [world.client() for _ in range(2)]
    clients[0].announce(1)
    world.guest.connect()
    clients[1].announce(0)
    world.wait(20)
    assert [client.heard() for client in clients] == [[], []]
    world.guest.announce(0)
    asked, answered = clients[0].heard()
    assert (asked.request, answered.request) == (1, 0)
    assert asked.caps == answered.caps
    (asked,) = clients[1].heard()
    assert asked.request == 1


def test_handlers_meet_the_agent_before_the_clients_that_waited_for_it():
    handler = Recorder()
    world = World(handler)
    waiting, silent = world.client(), world.client()
    waiting.announce(1)
    handler.forget()
    world.guest.come_up(LINUX)
    assert [call[0] for call in handler.calls] == ["guest_up", "client_ready"]
    assert handler.calls[1][1] is waiting.peer
    silent.announce(0)
    assert handler.calls[2] == ("client_ready", silent.peer)


def test_handlers_are_told_in_their_order():
    order = []

    class Notes(Recorder):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def guest_up(self, capabilities):
            order.append(self.name)

        def client_ready(self, client):
            order.append(self.name)

    world = up_world(Notes("a"), Notes("b"))
    world.ready_client()
    assert order == ["a", "b", "a", "b"]


@pytest.mark.parametrize(
    "lose", [lambda w: w.guest.leave(), lambda w: w.guest.announce(1)]
)
def test_a_client_that_is_ready_stays_so_while_the_agent_is_away(lose):
    handler = Recorder()
    world = up_world(MonitorsHandler(), handler)
    client = world.ready_client()
    lose(world)
    assert handler.vm.clients == (client.peer,)
    assert client.heard() == []
    assert not client.transport.losing
    client.announce(1)
    assert [m.request for m in client.heard()] == [0]


def test_a_client_that_comes_while_the_agent_is_away_waits_for_it():
    world = monitors_world()
    world.guest.announce(1)
    client = world.client()
    client.announce(1)
    assert client.heard() == []
    world.guest.announce(0)
    assert [m.request for m in client.heard()] == [1, 0]


def test_an_agent_that_can_do_the_same_is_no_news_to_clients():
    """H2."""
    handler = Recorder()
    world = up_world(MonitorsHandler(), handler)
    client = world.ready_client()
    handler.forget()
    world.guest.start_anew()
    world.guest.leave()
    world.guest.come_up()
    assert client.heard() == []
    assert handler.told("client_ready", "client_left") == []
    assert [c[0] for c in handler.told("guest_lost", "guest_up")] == [
        "guest_lost",
        "guest_up",
    ] * 2


def test_an_agent_that_can_do_something_else_is_announced_where_it_matters():
    """H2."""
    world = World(MonitorsHandler(), Recorder(Ping, relayed=PINGS))
    world.guest.come_up(LINUX)
    client = world.ready_client()
    world.guest.start_anew(WINDOWS & ~2)
    (announced,) = client.heard()
    assert announced == AnnounceCapabilities(1, (1 << 2 | 1 << 7 | 1 << 13,))
    world.guest.start_anew(WINDOWS & ~2)
    assert client.heard() == []


def test_clients_come_and_go_without_a_word_to_the_guest():
    """H1."""
    world = monitors_world()
    for word in (GTK, 0, LINUX):
        client = world.client(word)
        client.announce(1)
        client.announce(1)
        client.announce(0)
        client.leave()
    assert world.guest.heard() == []


def stopped(world):
    fired = []
    world.hub.stop().addCallback(fired.append)
    return fired


def test_a_hub_without_clients_stops_at_once():
    handler = Recorder()
    world = up_world(handler)
    world.guest.leave()
    assert stopped(world) == [None]
    assert handler.told("stop") == [("stop",)]
    assert world.clock.getDelayedCalls() == []


def test_stop_lets_go_of_clients_and_ends_when_the_last_has_left():
    world = monitors_world()
    clients = [world.ready_client(), world.client()]
    clients[0].say(CONFIG)
    world.guest.leave()
    fired = stopped(world)
    assert [client.transport.losing for client in clients] == [True, True]
    clients[0].leave()
    assert fired == []
    clients[1].leave()
    assert fired == [None]
    assert world.clock.getDelayedCalls() == []


def test_stop_cuts_off_clients_that_do_not_go():
    world = monitors_world()
    client = world.ready_client()
    client.transport.fill()
    world.guest.leave()
    fired = stopped(world)
    world.wait(1.125)
    assert client.transport.aborted
    client.leave()
    assert fired == [None]
    assert world.clock.getDelayedCalls() == []


def test_stop_fires_once_where_connections_end_at_once():
    class EndsAtOnce(FakeTransport):
        def loseConnection(self):
            super().loseConnection()
            self.client.disconnected("at once")

    world = monitors_world()
    for _ in range(2):
        transport = EndsAtOnce()
        transport.client = world.client(transport=transport).peer
    world.guest.leave()
    assert stopped(world) == [None]
    assert world.hub.clients == []


def test_a_hub_that_stops_takes_nobody_in():
    world = monitors_world()
    client = world.ready_client()
    stopped(world)
    with pytest.raises(Refused):
        world.client()
    client.leave()
    with pytest.raises(Refused):
        world.client()


def test_handlers_stop_last_to_first_while_clients_can_still_be_answered():
    order = []

    class Says(Recorder):
        def stop(self):
            order.append(self)
            for client in self.vm.clients:
                client.send(Ping(b"bye"))

    first, second = Says(Ping), Says(Clipboard)
    client = up_world(first, second).ready_client()
    first.vm.guest.disconnected("gone")
    client.heard()
    first.vm._hub.stop()
    assert order == [second, first]
    assert client.heard() == [Ping(b"bye")] * 2


def test_a_full_client_list_of_unready_clients_serves_one_that_is_ready():
    world = monitors_world(max_clients=16)
    for _ in range(15):
        world.client()
    client = world.ready_client()
    client.say(CONFIG)
    world.guest.say(Reply(2, 1))
    assert client.heard() == [Reply(2, 1)]
