"""Several VMs of one process that is short of memory, and of places."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from tests.hub.doubles import Ping, Recorder, Relay, World, logged
from vdproxy.errors import Refused
from vdproxy.hub.budget import Budget
from vdproxy.hub.filter import Filter

MIB = 1024 * 1024
READ = 64 * 1024
LARGE = Ping(b"x" * 3 * MIB)
SMALL = Ping(b"small")


class Process:
    """VMs that share a budget and a clock; the guests' agents are up."""

    def __init__(self, names="ab", **limits):
        self.budget = Budget(**limits)
        self.clock = Clock()
        self.worlds = [self._world() for _ in names]

    def _world(self):
        world = World(Relay(Ping), budget=self.budget, clock=self.clock)
        world.guest.come_up()
        return world

    def wait(self, seconds):
        self.worlds[0].wait(seconds)


class Upload:
    """A message that comes in as it is read, until it has come."""

    def __init__(self, client, message=LARGE, times=1):
        self.client = client
        self._data = client.spell(message) * times
        self._left = False

    @property
    def done(self):
        return not self._data

    @property
    def lost(self):
        return self.client.transport.losing

    def go_on(self, reads=1):
        """Send as much as is read, in this many reads at most."""
        for _ in range(reads):
            if self.client.transport.reading and not self.lost and not self.done:
                data, self._data = self._data[:READ], self._data[READ:]
                self.client.feed(data)

    def leave_if_lost(self):
        """Have its client notice that the connection was ended."""
        if self.lost and not self._left:
            self._left = True
            self.client.leave()


def take_turns(uploads, turns):
    for _ in range(turns):
        for upload in uploads:
            upload.go_on()


@pytest.fixture
def process():
    return Process(max_memory=16 * MIB)


def pings(end):
    return [message for message in end.heard() if isinstance(message, Ping)]


def test_a_large_message_that_fits_is_not_held_up(process):
    world = process.worlds[0]
    upload = Upload(world.ready_client())
    upload.go_on(100)
    assert upload.done
    assert pings(world.guest) == [LARGE]
    assert process.budget.used == 0


def test_those_that_do_not_fit_together_come_one_after_the_other(process):
    """Half of each would fill the memory, and all of them wait for one another."""
    world = process.worlds[0]
    uploads = [Upload(world.ready_client()) for _ in range(12)]
    take_turns(uploads, 800)
    assert all(upload.done for upload in uploads)
    assert len(pings(world.guest)) == 12
    assert process.budget.used == 0


def test_no_more_is_held_than_may_be(process):
    uploads = [Upload(w.ready_client()) for w in process.worlds for _ in range(6)]
    most = 0
    for _ in range(800):
        for upload in uploads:
            upload.go_on()
            most = max(most, process.budget.used)
    assert 8 * MIB < most <= 16 * MIB
    assert all(upload.done for upload in uploads)


def test_they_come_in_the_order_in_which_they_began(process):
    world = process.worlds[0]
    messages = [Ping(bytes([number]) * 3 * MIB) for number in range(8)]
    uploads = [Upload(world.ready_client(), message) for message in messages]
    take_turns(uploads, 400)
    assert [m.data[:1] for m in pings(world.guest)] == [m.data[:1] for m in messages]


def test_small_messages_go_on_while_large_ones_wait(process):
    one, two = process.worlds
    uploads = [Upload(one.ready_client()) for _ in range(6)]
    take_turns(uploads, 30)
    assert not uploads[-1].client.transport.reading
    for world in (one, two):
        client = world.ready_client()
        client.say(SMALL)
        assert SMALL in pings(world.guest)
        world.guest.say(SMALL)
        assert SMALL in pings(client)


@pytest.fixture
def stuck(process):
    """Return a VM whose guest reads nothing, and which holds all that it can."""
    world = process.worlds[0]
    world.guest.transport.fill()
    for _ in range(12):
        client = world.ready_client()
        client.say(*[Ping(b"x" * READ)] * 17)
    assert world.hub.share.full
    return world


def test_a_vm_that_holds_all_it_can_leaves_room_for_the_others(process, stuck):
    world = process.worlds[1]
    upload = Upload(world.ready_client(), Ping(b"x" * MIB))
    upload.go_on(100)
    assert upload.done
    assert len(pings(world.guest)) == 1


def test_those_who_wait_in_vain_are_let_go_of_one_after_the_other(process, stuck):
    uploads = [Upload(stuck.ready_client(name="big")) for _ in range(2)]
    take_turns(uploads, 5)
    assert not any(upload.client.transport.reading for upload in uploads)
    process.wait(9.9)
    assert not any(upload.lost for upload in uploads)
    with logged() as lines:
        process.wait(0.2)
    (line,) = lines.having("disconnected")
    assert (line["vm"], line["client"]) == ("one", uploads[0].client.peer.label)
    assert "memory is short" in line["reason"]
    assert not uploads[1].lost
    uploads[0].leave_if_lost()
    process.wait(10.1)
    assert uploads[1].lost


def test_one_that_waited_goes_on_when_there_is_room(process, stuck):
    upload = Upload(stuck.ready_client())
    upload.go_on(100)
    assert not upload.done
    stuck.guest.transport.drain()
    upload.go_on(100)
    assert upload.done
    process.wait(60)
    assert not upload.lost
    assert process.budget.used == 0


def test_those_that_trickle_are_let_go_of_and_an_honest_one_is_not():
    process = Process("a", max_memory=8 * MIB)
    (world,) = process.worlds
    trickles = [Upload(world.ready_client()) for _ in range(3)]
    take_turns(trickles, 30)
    assert process.budget.used > 4 * MIB
    honest = Upload(world.ready_client())
    for _ in range(40):
        honest.go_on(100)
        process.wait(1)
        for upload in trickles:
            upload.leave_if_lost()
    assert honest.done
    assert not honest.lost
    assert pings(world.guest) == [LARGE]


def test_many_half_messages_are_no_deadlock():
    """Nobody could end, if all that have begun were to wait for one another."""
    process = Process(max_memory=8 * MIB)
    uploads = [Upload(w.ready_client()) for w in process.worlds for _ in range(8)]
    for _ in range(30):
        take_turns(uploads, 100)
        process.wait(11)
        for upload in uploads:
            upload.leave_if_lost()
    assert all(upload.done or upload.lost for upload in uploads)
    assert any(upload.done for upload in uploads)
    assert process.budget.used == 0


def test_who_sends_one_large_message_after_another_goes_behind_those_who_wait(
    process,
):
    world = process.worlds[0]
    stream = Upload(world.ready_client(), times=30)
    others = [Upload(world.ready_client()) for _ in range(4)]
    take_turns([stream, *others], 250)
    assert all(upload.done for upload in others)
    assert not stream.done


def test_what_a_guest_sends_is_skipped_while_there_is_no_room(process, stuck):
    world = process.worlds[1]
    client = world.ready_client()
    data = world.guest.spell(LARGE)
    with logged() as lines:
        for start in range(0, len(data), READ):
            world.guest.feed(data[start : start + READ])
    assert len(lines.having("memory is short, see max-memory; skipped")) == 1
    assert world.guest.transport.reading
    world.guest.say(SMALL)
    assert pings(client) == [SMALL]


def test_what_waits_for_a_verdict_counts():
    class Slow(Filter):
        """Takes its time over every ping."""

        def incoming(self, peer, message):
            return Deferred() if isinstance(message, Ping) else None

    budget = Budget()
    world = World(Recorder(Ping), budget=budget, filters=[Slow()])
    world.guest.come_up()
    client = world.ready_client()
    upload = Upload(client)
    upload.go_on(100)
    assert upload.done
    assert budget.used > 3 * MIB - READ
    client.leave()
    assert budget.used == 0


@pytest.mark.parametrize("end", ["close", "guest"])
def test_what_is_held_is_given_back_at_the_end(process, end):
    world = process.worlds[0]
    client = world.ready_client()
    world.guest.transport.fill()
    Upload(client).go_on(100)
    Upload(client).go_on(10)
    assert process.budget.used > 3 * MIB
    client.leave()
    if end == "guest":
        world.guest.leave()
    else:
        world.guest.transport.drain()
    assert process.budget.used == 0


def test_a_guest_that_reads_nothing_pauses_its_clients(process):
    """H28."""
    world, other = process.worlds
    world.guest.transport.fill()
    clients = [world.ready_client() for _ in range(4)]
    for client in clients:
        for _ in range(100):
            if client.transport.reading:
                client.say(Ping(b"x" * READ))
    assert not any(client.transport.reading for client in clients)
    assert process.budget.used < 4 * (MIB + 5 * READ + 256 * 1024)
    free = other.ready_client()
    free.say(SMALL)
    assert pings(other.guest) == [SMALL]


def test_places_are_counted_over_all_vms():
    process = Process(max_clients=3, max_clients_per_uid=2)
    one, two = process.worlds
    first = one.ready_client(uid=1)
    two.ready_client(uid=1)
    with logged() as lines, pytest.raises(Refused):
        two.client(uid=1)
    (line,) = lines
    assert (line["vm"], line["frontend"]) == ("one", "vdi")
    assert "2 clients of uid 1 are connected, see max-clients-per-uid" in lines.texts[0]
    two.ready_client(uid=None)
    with pytest.raises(Refused, match="3 clients are connected to all VMs"):
        one.client(uid=2)
    first.leave()
    one.ready_client(uid=2)


def test_one_that_is_refused_by_its_vm_takes_no_place():
    budget = Budget(max_clients=2)
    world = World(budget=budget, max_clients=1)
    world.client()
    for _ in range(5):
        with pytest.raises(Refused):
            world.client()
    World(budget=budget).client()
