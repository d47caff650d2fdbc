"""Clients that share a guest which reads slowly, or not at all."""

from __future__ import annotations

import pytest

from tests.hub.doubles import FakeTransport, Ping, Recorder, Relay, World, up_world
from tests.link.frames import LINUX, announce
from vdproxy.errors import Refused
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    FileXferData,
)

SMALL = Ping(b"small")
LARGE = Clipboard(0, 1, bytes(range(256)) * 16 * 1024)
RELEASE = ClipboardRelease(0)
FILE = bytes(64 * 1024)


def clipboard_world():
    """Return a world with a large paste on its way to a guest, and its clients."""
    relay = Relay(
        *(Ping, Clipboard, ClipboardGrab, ClipboardRelease, FileXferData),
        relayed=Capabilities.of(5, 6),
    )
    world = up_world(relay)
    clients = [world.ready_client() for _ in range(3)]
    world.guest.transport.drain(room=1)
    clients[0].say(LARGE)
    return world, clients


def test_a_small_message_does_not_wait_for_the_rest_of_a_large_one():
    """H28."""
    world, (_, other, _) = clipboard_world()
    other.say(SMALL)
    world.guest.transport.drain(room=1)
    assert world.hub.guest.queued > 4_000_000
    world.guest.transport.drain()
    assert world.guest.heard_on_ports() == [(SMALL, 2), (LARGE, 1)]


def test_small_messages_pass_a_large_one_in_the_order_they_came():
    """H28."""
    world, (_, *others) = clipboard_world()
    sent = []
    for number in range(40):
        sent.append(Ping(bytes([number])))
        others[number % 2].say(sent[-1])
        world.guest.transport.drain(room=1)
    world.guest.transport.drain()
    heard = world.guest.heard_on_ports()
    assert heard == [*[(ping, 2) for ping in sent], (LARGE, 1)]


def test_a_message_of_several_chunks_waits_for_the_end_of_a_large_one():
    world, (_, other, _) = clipboard_world()
    longer = Ping(bytes(2029))
    other.say(longer, SMALL)
    world.guest.transport.drain(room=1)
    world.guest.transport.drain()
    assert world.guest.heard_on_ports() == [(LARGE, 1), (longer, 1), (SMALL, 1)]


def test_what_is_about_the_same_selection_waits_for_its_data():
    """H28: a RELEASE must not overtake what it releases."""
    world, (_, other, third) = clipboard_world()
    other.say(RELEASE)
    third.say(ClipboardRelease(1))
    world.guest.transport.drain(room=1)
    world.guest.transport.drain()
    assert world.guest.heard_on_ports() == [
        (ClipboardRelease(1), 2),
        (LARGE, 1),
        (RELEASE, 1),
    ]


def test_files_of_two_clients_take_turns():
    """H28: the one that comes later waits for a few messages, not for the file."""
    world, (_, first, second) = clipboard_world()
    first.say(*[FileXferData(1, FILE)] * 12)
    second.say(*[FileXferData(2, FILE)] * 4)
    world.guest.transport.drain()
    assert [message.id for message in world.guest.heard()[1:]] == [1, 2] * 4 + [1] * 8


def test_only_the_client_is_paused_of_which_too_much_waits():
    """H28."""
    _, clients = clipboard_world()
    assert [client.peer.paused for client in clients] == [True, False, False]


def test_what_a_client_says_while_another_is_paused_is_acted_upon():
    world, (_, other, _) = clipboard_world()
    other.say(SMALL)
    assert world.hub.guest.queued > 4_000_000
    world.guest.transport.drain()
    assert SMALL in world.guest.heard()


@pytest.mark.parametrize(("size", "paused"), [(1024 * 1024, False), (1050_000, True)])
def test_a_client_is_paused_above_1_mib(size, paused):
    world = up_world(Relay(Ping))
    client = world.ready_client()
    world.guest.transport.fill()
    for _ in range(8):
        client.say(Ping(bytes(size // 8 - 600)))
    assert world.hub.guest.queued <= size
    assert client.peer.paused is paused


BULK = Ping(b"x" * 600_000)


def congested():
    """Return a world whose guest does not read, a client it owes to, and another."""
    world = up_world(Relay(Ping))
    clients = [world.ready_client(), world.ready_client()]
    world.guest.transport.fill()
    clients[0].say(BULK)
    assert not clients[0].peer.paused
    clients[0].say(BULK)
    assert clients[0].peer.paused
    return world, clients


def test_a_client_that_connects_meanwhile_is_not_paused():
    world, _ = congested()
    late = world.client()
    assert not late.peer.paused
    assert late.heard(), "it is spoken to"


def test_a_client_is_heard_again_when_little_is_left():
    world = up_world(Relay(Ping))
    client = world.ready_client()
    world.guest.transport.fill()
    sent = [Ping(bytes([number]) * 100_000) for number in range(20)]
    client.say(*sent)
    while client.peer.paused:
        world.guest.transport.drain(room=1)
    assert 100_000 < world.hub.guest.queued <= 256 * 1024
    world.guest.transport.drain()
    assert world.guest.heard() == sent


def test_a_client_for_which_more_is_sent_though_it_is_paused_is_heard_again():
    world, (client, _) = congested()
    assert client.peer.paused
    world.hub.guest.send(Ping(bytes(100_000)), source=client.peer)
    world.guest.transport.drain()
    assert not client.peer.paused


def test_a_client_is_paused_to_the_end_of_a_message_over_256_kib():
    world, (client, _) = congested()
    while world.hub.guest.queued:
        assert client.peer.paused
        world.guest.transport.drain(room=1)
    world.guest.transport.drain()
    assert not client.peer.paused


def test_what_others_have_waiting_does_not_keep_a_client_paused():
    world, (client, other) = congested()
    other.say(Ping(bytes(1_000_000)))
    while client.peer.paused:
        world.guest.transport.drain(room=1)
    assert world.hub.guest.queued > 800_000
    assert not other.peer.paused


@pytest.mark.parametrize(
    "end",
    [
        lambda w: w.guest.announce(1),
        lambda w: w.guest.feed(b"\xff" * 100),
        lambda w: w.guest.leave(),
    ],
    ids=["new", "out of step", "end"],
)
def test_clients_are_heard_again_when_the_agent_is_lost(end):
    world, (client, other) = congested()
    other.say(BULK, BULK)
    assert other.peer.paused
    end(world)
    assert not client.peer.paused
    assert not other.peer.paused


@pytest.mark.parametrize(
    "end",
    [lambda w: w.guest.announce(1), lambda w: w.guest.leave()],
    ids=["new", "end"],
)
def test_a_client_is_heard_again_when_the_agent_is_lost_within_its_message(end):
    world, (client, *_) = clipboard_world()
    assert client.peer.paused
    end(world)
    assert not client.peer.paused


def test_a_paused_client_that_leaves_is_no_harm():
    world, (first, second) = congested()
    first.leave()
    second.say(SMALL)
    world.guest.transport.drain()
    assert world.guest.heard() == [BULK, BULK, SMALL]


def test_a_pause_of_a_handlers_own_outlives_the_guests():
    """The clients that are heard again may say more at once."""
    world = up_world(Relay(Ping))
    clients = [world.ready_client() for _ in range(8)]
    world.guest.transport.fill()
    for client in clients:
        client.say(BULK, BULK, SMALL)
    held = clients[::2]
    for client in held:
        client.peer.pause()
    world.guest.transport.drain()
    assert [client.peer.paused for client in clients] == [True, False] * 4
    for client in held:
        client.peer.resume()
    assert world.guest.heard().count(SMALL) == 8


class Echo(Recorder):
    """Tells the guest what it says."""

    def received(self, peer, message):
        self.vm.guest.send(message)


def echoing():
    """Return a world whose guest asks for much and reads nothing."""
    world = up_world(Echo(Ping))
    world.guest.transport.fill()
    world.guest.say(*[BULK] * 5)
    return world


def test_a_guest_that_asks_and_never_reads_is_paused():
    world = echoing()
    assert world.hub.guest.paused
    assert world.hub.guest.queued < 3 * 600_000
    assert not world.ready_client().peer.paused


def test_a_guest_that_reads_again_is_heard_again():
    world = echoing()
    world.guest.transport.drain()
    assert not world.hub.guest.paused
    assert world.guest.heard() == [BULK] * 5


def test_a_guest_that_went_while_it_was_paused_is_heard_when_it_comes_again():
    world = echoing()
    world.guest.leave()
    assert not world.hub.guest.paused
    world.guest.come_up()
    assert world.hub.guest.up
    world.guest.say(SMALL)
    assert world.guest.heard() == [SMALL]


def test_an_agent_that_announces_itself_within_a_large_message_still_gets_its_rest():
    world, _ = clipboard_world()
    world.guest.announce(0)
    assert world.hub.guest.up
    world.guest.transport.drain()
    assert world.guest.heard() == [LARGE]


def test_what_a_handler_sends_is_cancelled_as_long_as_it_has_not_begun():
    handler = Recorder(Ping)
    world = up_world(handler)
    world.guest.transport.drain(room=1)
    begun, waiting = (handler.vm.guest.send(Ping(bytes([n]) * 9)) for n in (1, 2))
    assert not begun.cancel()
    assert waiting.cancel()
    world.guest.transport.drain()
    assert world.guest.heard() == [Ping(b"\1" * 9)]


@pytest.mark.parametrize("connected", [True, False])
def test_of_what_cannot_be_sent_there_is_nothing_to_cancel(connected):
    handler = Recorder(Ping)
    world = World(handler)
    if connected:
        world.guest.connect(FakeTransport())
    assert handler.vm.guest.send(SMALL) is None


def test_what_was_for_an_agent_that_is_lost_cannot_be_cancelled_any_more():
    handler = Recorder(Ping)
    world = up_world(handler)
    world.guest.transport.fill()
    sending = handler.vm.guest.send(SMALL)
    world.guest.feed(announce(1, LINUX))
    assert not sending.cancel()
    world.guest.transport.drain()
    assert all(isinstance(m, AnnounceCapabilities) for m in world.guest.heard())


def test_a_client_whose_messages_were_cancelled_is_heard_again():
    class Keeps(Relay):
        def received(self, peer, message):
            self.sendings.append(self.vm.guest.send(message, source=peer))

    handler = Keeps(Ping)
    handler.sendings = []
    world = up_world(handler)
    client = world.ready_client()
    world.guest.transport.fill()
    client.say(BULK, BULK)
    assert client.peer.paused
    for sending in handler.sendings:
        assert sending.cancel()
    assert client.peer.paused, "the handler that cancels is still at work"
    world.clock.advance(0)
    assert not client.peer.paused


def test_what_clients_leave_behind_is_bounded():
    """H39."""
    world = up_world(Relay(Ping), max_clients=3)
    world.guest.transport.fill()
    for _ in range(3):
        client = world.ready_client()
        client.say(BULK)
        client.leave()
    with pytest.raises(Refused):
        world.client()
    world.guest.transport.drain()
    assert world.ready_client().peer in world.hub.clients


def test_handlers_are_not_called_inside_one_another():
    class Depth(Relay):
        depth = deepest = 0

        def received(self, peer, message):
            self.depth += 1
            self.deepest = max(self.depth, self.deepest)
            super().received(peer, message)
            self.depth -= 1

    handler = Depth(Ping)
    world = up_world(handler)
    clients = [world.ready_client() for _ in range(4)]
    world.guest.transport.fill()
    for client in clients:
        client.say(BULK, BULK, SMALL)
    world.guest.transport.drain()
    assert world.guest.heard().count(SMALL) == 4
    assert handler.deepest == 1


def test_clients_are_heard_again_when_handlers_know_that_the_agent_is_lost():
    world, (client, _) = congested()
    client.say(SMALL)
    (relay,) = [h for h in world.hub.features.handlers if isinstance(h, Relay)]
    relay.forget()
    world.guest.leave()
    assert [call[0] for call in relay.calls] == ["guest_lost", "received"]
