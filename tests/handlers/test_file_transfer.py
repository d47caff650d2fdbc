from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hub.doubles import GTK, World, logged
from tests.link.frames import LINUX, WINDOWS
from tests.wire.decoding import frame
from vdproxy.handlers.file_transfer import FileTransferHandler, make
from vdproxy.interfaces import IMessageHandler
from vdproxy.makers import NoOptions
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import FileXferData, FileXferStart, FileXferStatus

CAN_SEND_DATA, CANCELLED, ERROR, SUCCESS = range(4)
NOT_ENOUGH_SPACE, SESSION_LOCKED, NOT_CONNECTED, DISABLED = range(4, 8)
ENDINGS = range(1, 8)

START, STATUS, DATA = 10, 11, 12

#: What spice-gtk announces, without DETAILED_ERRORS.
PLAIN = GTK & ~(1 << 14)

NO_FILES = LINUX | 1 << 13

KIB = 1024

each_agent = pytest.mark.parametrize("agent", [LINUX, WINDOWS], ids=["linux", "win"])


@pytest.fixture(autouse=True)
def _nothing_fails():
    """Fail a test in which the handler raised something."""
    with logged() as lines:
        yield
    assert lines.having("failed: ").texts == []


class Files(World):
    """A world with the handler, and an agent that is up if it announces *agent*."""

    def __init__(self, agent=LINUX):
        self.handler = FileTransferHandler()
        super().__init__(self.handler)
        if agent is not None:
            self.guest.come_up(agent)

    def begin(self, client, id=1, size=100):
        """Have *client* start a transfer, and return the id it has upstream."""
        client.say(FileXferStart(id, "a.txt", size))
        (start,) = self.guest.heard()
        assert start == FileXferStart(start.id, "a.txt", size)
        return start.id

    def run(self, client, id=1, size=100):
        """Have a transfer of *client* run, and return the id it has upstream."""
        upstream = self.begin(client, id, size)
        self.guest.say(FileXferStatus(upstream, CAN_SEND_DATA))
        assert client.heard() == [FileXferStatus(id, CAN_SEND_DATA)]
        return upstream

    @property
    def is_idle(self):
        return not self.handler._running and not self.handler._by_upstream_id


def with_clients(count, agent=LINUX, word=GTK):
    world = Files(agent)
    return world, *[world.ready_client(word) for _ in range(count)]


def statuses(client):
    return [m for m in client.heard() if isinstance(m, FileXferStatus)]


def cut(data, id):
    """Return the messages that *data* comes to the agent in."""
    size = 64 * KIB
    return [
        FileXferData(id, data[begin : begin + size])
        for begin in range(0, len(data), size)
    ]


def pattern(size):
    return bytes(n * 7 % 251 for n in range(size))


def bad_data(id):
    """Return a FILE_XFER_DATA that claims to be more than it is."""
    return frame(DATA, struct.pack("<IQ", id, 3000) + b"abc")


def bad_start(id):
    return frame(START, struct.pack("<I", id) + b"[nothing]\n\0")


def end_by(ending, world, client, id, upstream):
    """End the transfer *id* of *client* in the way that is called *ending*."""
    if ending == "agent":
        world.guest.say(FileXferStatus(upstream, SUCCESS))
    elif ending == "client":
        client.say(FileXferStatus(id, CANCELLED))
    elif ending == "too much":
        client.say(FileXferData(id, bytes(101)))
    elif ending == "bad data":
        client.feed(bad_data(id))
    elif ending == "bad status":
        world.guest.feed(frame(STATUS, struct.pack("<IB", upstream, 0)))
    elif ending == "silence":
        world.wait(31)
    world.guest.heard()
    client.heard()


each_ending = pytest.mark.parametrize(
    "ending", ["agent", "client", "too much", "bad data", "bad status", "silence"]
)


def test_it_says_what_it_is():
    handler = make(NoOptions())
    assert isinstance(handler, FileTransferHandler)
    assert IMessageHandler.providedBy(handler)
    assert handler.messages == (FileXferStart, FileXferStatus, FileXferData)
    assert handler.provided == Capabilities.of(14)
    assert not handler.relayed


@each_agent
@pytest.mark.parametrize("one_by_one", [False, True], ids=["whole", "bytes"])
def test_a_file_goes_to_the_guest_and_its_success_comes_back(agent, one_by_one):
    world, client, other = with_clients(2, agent)
    client.say(FileXferStart(7, "ä b.txt", 6), one_by_one=one_by_one)
    assert world.guest.heard() == [FileXferStart(1, "ä b.txt", 6)]
    world.guest.say(FileXferStatus(1, CAN_SEND_DATA), one_by_one=one_by_one)
    assert client.heard() == [FileXferStatus(7, CAN_SEND_DATA)]
    client.say(FileXferData(7, b"abcd"), FileXferData(7, b"ef"), one_by_one=one_by_one)
    assert world.guest.heard() == [FileXferData(1, b"abcd"), FileXferData(1, b"ef")]
    world.guest.say(FileXferStatus(1, SUCCESS), one_by_one=one_by_one)
    assert client.heard() == [FileXferStatus(7, SUCCESS)]
    assert other.heard() == []
    assert world.guest.heard() == []
    assert world.is_idle


def test_a_start_is_forwarded_with_all_that_it_tells():
    world, client = with_clients(1)
    start = FileXferStart(2**32 - 1, "a.txt", 2**64 - 1, 3, 2**32 - 1)
    client.say(start)
    assert world.guest.heard() == [replace(start, id=1)]


@each_agent
def test_equal_ids_of_two_clients_are_two_transfers(agent):
    """H5."""
    world, first, second = with_clients(2, agent)
    one, two = world.run(first), world.run(second)
    assert one != two
    first.say(FileXferData(1, b"first"))
    second.say(FileXferData(1, b"second"))
    assert world.guest.heard() == [
        FileXferData(one, b"first"),
        FileXferData(two, b"second"),
    ]
    world.guest.say(FileXferStatus(one, ERROR))
    assert first.heard() == [FileXferStatus(1, ERROR)]
    assert second.heard() == []
    second.say(FileXferData(1, b"more"))
    assert world.guest.heard() == [FileXferData(two, b"more")]


def test_the_data_of_two_clients_may_alternate():
    world, *clients = with_clients(2)
    upstream = [world.run(client, size=300 * KIB) for client in clients]
    sent = [pattern(300 * KIB), pattern(300 * KIB)[::-1]]
    received = dict.fromkeys(upstream, b"")
    for begin in range(0, 300 * KIB, 50 * KIB):
        for client, data in zip(clients, sent, strict=True):
            client.say(FileXferData(1, data[begin : begin + 50 * KIB]))
    for message in world.guest.heard():
        received[message.id] += message.data
    assert list(received.values()) == sent


@each_ending
def test_an_id_may_be_used_again_and_is_another_upstream(ending):
    """H7."""
    world, client = with_clients(1)
    upstream = world.begin(client)
    end_by(ending, world, client, 1, upstream)
    assert world.is_idle
    assert world.run(client) == upstream + 1
    client.say(FileXferData(1, b"new"))
    assert world.guest.heard() == [FileXferData(upstream + 1, b"new")]


def test_no_id_is_ever_used_again_upstream():
    """H5 and H7: not for another client, nor for another agent."""
    world, first, second = with_clients(2)
    ids = [world.begin(first), world.begin(second)]
    first.leave()
    world.guest.start_anew()
    ids.append(world.begin(second))
    world.guest.leave()
    world.guest.come_up()
    ids.append(world.begin(second))
    ids.append(world.begin(world.ready_client()))
    assert ids == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("result", range(10))
def test_a_status_of_no_transfer_goes_to_nobody(result):
    """H6."""
    world, first, second = with_clients(2)
    upstream = world.begin(first, id=5)
    with logged() as lines:
        world.guest.say(FileXferStatus(5, result), FileXferStatus(0, result))
    assert first.heard() == second.heard() == []
    assert lines == []
    world.guest.say(FileXferStatus(upstream, CAN_SEND_DATA))
    assert first.heard() == [FileXferStatus(5, CAN_SEND_DATA)]


def test_errors_that_come_late_harm_no_newer_transfer():
    """H7: the Windows agent sends one for each DATA that it has no transfer for."""
    world, client = with_clients(1, WINDOWS)
    old = world.run(client)
    client.say(FileXferStatus(1, CANCELLED))
    assert world.guest.heard() == [FileXferStatus(old, CANCELLED)]
    new = world.run(client)
    world.guest.say(*[FileXferStatus(old, ERROR)] * 50)
    assert client.heard() == []
    client.say(FileXferData(1, b"abc"))
    assert world.guest.heard() == [FileXferData(new, b"abc")]


@each_agent
@pytest.mark.parametrize(
    "status",
    [
        *[FileXferStatus(1, result) for result in ENDINGS],
        FileXferStatus(1, NOT_ENOUGH_SPACE, 12345),
        FileXferStatus(1, ERROR, None, 0, 31),
        FileXferStatus(1, 99),
    ],
)
@pytest.mark.parametrize("state", ["asked", "running"])
def test_a_result_ends_the_transfer(status, agent, state):
    world, client = with_clients(1, agent)
    upstream = world.begin(client) if state == "asked" else world.run(client)
    world.guest.say(replace(status, id=upstream))
    assert client.heard() == [status]
    assert world.is_idle
    client.say(FileXferData(1, b"late"), FileXferStatus(1, CANCELLED))
    world.guest.say(replace(status, id=upstream))
    assert world.guest.heard() == client.heard() == []


@pytest.mark.parametrize(
    ("status", "plain"),
    [
        (FileXferStatus(1, CAN_SEND_DATA), CAN_SEND_DATA),
        (FileXferStatus(1, CANCELLED), CANCELLED),
        (FileXferStatus(1, ERROR), ERROR),
        (FileXferStatus(1, ERROR, None, 0, 31), ERROR),
        (FileXferStatus(1, SUCCESS), SUCCESS),
        (FileXferStatus(1, NOT_ENOUGH_SPACE), ERROR),
        (FileXferStatus(1, NOT_ENOUGH_SPACE, 2**64 - 1), ERROR),
        (FileXferStatus(1, SESSION_LOCKED), ERROR),
        (FileXferStatus(1, NOT_CONNECTED), ERROR),
        (FileXferStatus(1, DISABLED), ERROR),
        (FileXferStatus(1, 99), ERROR),
    ],
)
def test_a_client_is_told_no_more_than_it_understands(status, plain):
    world, client = with_clients(1, word=PLAIN)
    world.guest.say(replace(status, id=world.begin(client)))
    assert client.heard() == [FileXferStatus(1, plain)]


def test_the_guest_starts_no_transfer_and_sends_no_data():
    world, client = with_clients(1)
    upstream = world.run(client)
    world.guest.say(FileXferStart(1, "a", 1), FileXferData(upstream, b"a"))
    assert client.heard() == world.guest.heard() == []
    assert world.run(client, id=2) == upstream + 1


def refused(client, *messages):
    """Have *client* say something that is refused, and return the log lines."""
    with logged() as lines:
        client.say(*messages)
    refusals = lines.having("refused")
    assert len(refusals) == len(messages)
    assert all(client.peer.label in text for text in refusals.texts)
    return lines


@pytest.mark.parametrize(
    ("word", "result"), [(GTK, NOT_CONNECTED), (PLAIN, ERROR)], ids=["gtk", "plain"]
)
def test_while_the_guest_is_down_a_start_is_refused(word, result):
    world, client = with_clients(1, word=word)
    world.guest.leave()
    lines = refused(client, FileXferStart(4, "secret.txt", 5))
    assert "secret" not in lines.all_there_is
    assert client.heard() == [FileXferStatus(4, result)]
    world.guest.come_up()
    assert world.guest.heard() == []
    assert world.is_idle


def test_while_the_agent_has_not_answered_a_start_is_refused():
    world, client = with_clients(1)
    world.guest.announce(1)
    client.say(FileXferStart(1, "a", 5))
    assert client.heard()[-1] == FileXferStatus(1, NOT_CONNECTED)


@pytest.mark.parametrize(
    ("word", "result"), [(GTK, DISABLED), (PLAIN, ERROR)], ids=["gtk", "plain"]
)
def test_an_agent_that_takes_no_files_is_not_asked(word, result):
    """H37: who only waited for the agent would wait for ever."""
    world, client = with_clients(1, NO_FILES, word)
    refused(client, FileXferStart(1, "a", 5))
    assert client.heard() == [FileXferStatus(1, result)]
    assert world.guest.heard() == []


@pytest.mark.parametrize(
    "name",
    [
        *["", ".", "..", "/", "/etc/passwd", "../x", "a/b", "a/", "\\", "a\\b"],
        *["..\\x", "C:\\x", "a\n", "\ta", "a\rb", "\x1b[2J", "a\x7f", "\x85"],
        "a" * 256,
    ],
)
@each_agent
def test_a_name_that_is_none_is_refused(name, agent):
    world, client = with_clients(1, agent)
    lines = refused(client, FileXferStart(1, name, 5))
    assert client.heard() == [FileXferStatus(1, ERROR)]
    assert world.guest.heard() == []
    assert len(name) < 4 or name not in lines.all_there_is


@pytest.mark.parametrize(
    "name",
    ["a", "...", ".bashrc", " a ", "a..b", "ä€😀", "C:", "[x]=#;", "%s{x}", "a" * 255],
)
def test_a_name_that_is_one_arrives_as_it_is(name):
    world, client = with_clients(1)
    client.say(FileXferStart(1, name, 5))
    assert world.guest.heard() == [FileXferStart(1, name, 5)]


@pytest.mark.parametrize("blank", [b" ", b"\xc2\xa0"])
def test_a_start_as_long_as_may_be_fails_nothing(blank):
    """One without its last line feed would not fit once it has it."""
    world, client = with_clients(1)
    text = b"[vdagent-file-xfer]\nsize=5\nname=a"
    name = blank * ((64 * KIB - 1 - len(text)) // len(blank))
    with logged() as lines:
        for _ in range(10):
            client.feed(frame(START, b"\1\0\0\0" + text + name + b"\0"))
    assert client.heard() == [FileXferStatus(1, ERROR)] * 10
    assert lines.having("failed") == []
    world.run(client)


def test_an_id_that_is_running_is_refused_and_goes_on():
    world, client = with_clients(1)
    upstream = world.run(client, size=5)
    refused(client, FileXferStart(1, "other", 9))
    assert client.heard() == [FileXferStatus(1, ERROR)]
    assert world.guest.heard() == []
    client.say(FileXferData(1, b"abcde"))
    assert world.guest.heard() == [FileXferData(upstream, b"abcde")]
    world.guest.say(FileXferStatus(upstream, SUCCESS))
    assert client.heard() == [FileXferStatus(1, SUCCESS)]


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        (GTK, FileXferStatus(33, ERROR, None, 0, 31)),
        (PLAIN, FileXferStatus(33, ERROR)),
    ],
    ids=["gtk", "plain"],
)
@each_ending
def test_a_client_has_32_transfers_at_most(word, answer, ending):
    """H39."""
    world, client, other = with_clients(2, word=word)
    upstream = [world.begin(client, id) for id in range(1, 33)]
    refused(client, FileXferStart(33, "a.txt", 1))
    assert client.heard() == [answer]
    assert world.guest.heard() == []
    world.run(other, id=33)
    end_by(ending, world, client, 1, upstream[0])
    world.run(client, id=33)


def test_all_clients_have_120_transfers_at_most():
    """H39: spice-vdagentd has room for 128."""
    world, *clients = with_clients(5)
    last, spare = clients[3:]
    for client in clients[:3]:
        for id in range(32):
            world.begin(client, id)
    upstream = [world.begin(last, id) for id in range(24)]
    refused(last, FileXferStart(24, "a", 1))
    refused(spare, FileXferStart(0, "a", 1))
    assert last.heard() == [FileXferStatus(24, ERROR, None, 0, 31)]
    assert spare.heard() == [FileXferStatus(0, ERROR, None, 0, 31)]
    world.guest.say(FileXferStatus(upstream[0], SUCCESS))
    world.run(spare, id=0)
    refused(last, FileXferStart(24, "a", 1))
    clients[0].leave()
    world.guest.heard()
    for id in range(1, 32):
        world.begin(spare, id)
    world.begin(last, 24)
    refused(last, FileXferStart(25, "a", 1))


@each_agent
@pytest.mark.parametrize("result", [CANCELLED, ERROR, 4, 5, 6, 7, 99])
def test_a_client_that_ends_its_transfer_cancels_it(result, agent):
    """The Windows agent heeds nothing but CANCELLED."""
    world, client = with_clients(1, agent)
    upstream = world.run(client)
    client.say(FileXferStatus(1, result))
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]
    assert client.heard() == []
    assert world.is_idle
    client.say(FileXferStatus(1, result), FileXferData(1, b"late"))
    assert world.guest.heard() == client.heard() == []


def test_what_a_client_tells_in_detail_is_not_for_the_agent():
    """spice-vdagentd drops a STATUS that has not just eight bytes."""
    world, client = with_clients(1)
    upstream = world.run(client)
    client.say(FileXferStatus(1, ERROR, None, 0, 31))
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]


@pytest.mark.parametrize("result", [CAN_SEND_DATA, SUCCESS])
def test_what_only_an_agent_can_say_means_nothing_from_a_client(result):
    world, client = with_clients(1)
    upstream = world.run(client)
    client.say(FileXferStatus(1, result))
    assert world.guest.heard() == client.heard() == []
    client.say(FileXferData(1, b"abc"))
    assert world.guest.heard() == [FileXferData(upstream, b"abc")]


def test_a_client_reaches_no_transfer_of_another():
    """H5 and H6."""
    world, owner, other = with_clients(2)
    upstream = world.run(owner, id=7)
    for id in (7, upstream):
        other.say(FileXferData(id, b"not mine"), FileXferStatus(id, CANCELLED))
        other.feed(bad_data(id))
    assert world.guest.heard() == owner.heard() == other.heard() == []
    owner.say(FileXferData(7, b"mine"))
    assert world.guest.heard() == [FileXferData(upstream, b"mine")]


def test_data_of_no_transfer_is_dropped_in_silence():
    """H7: spice-gtk has some on its way when it is told of the end."""
    world, client = with_clients(1)
    with logged() as lines:
        client.say(*[FileXferData(1, b"late")] * 100)
    assert world.guest.heard() == client.heard() == []
    assert lines == []


@pytest.mark.parametrize(
    ("size", "pieces"),
    [
        (1, [1]),
        (64 * KIB - 1, [64 * KIB - 1]),
        (64 * KIB, [64 * KIB]),
        (64 * KIB + 1, [64 * KIB, 1]),
        (128 * KIB, [64 * KIB] * 2),
        (1024 * KIB, [64 * KIB] * 16),
    ],
)
def test_data_is_cut_into_messages_that_others_need_not_wait_long_for(size, pieces):
    """H28."""
    world, client = with_clients(1)
    upstream = world.run(client, size=size)
    data = pattern(size)
    client.say(FileXferData(1, data))
    heard = world.guest.heard()
    assert heard == cut(data, upstream)
    assert [len(message.data) for message in heard] == pieces
    assert client.heard() == []


def test_the_files_of_two_clients_take_turns():
    """H28."""
    world, first, second = with_clients(2)
    one, two = world.run(first, size=1024 * KIB), world.run(second, size=64 * KIB)
    world.guest.transport.fill()
    first.say(FileXferData(1, pattern(512 * KIB)))
    second.say(FileXferData(1, pattern(64 * KIB)))
    world.guest.transport.drain()
    heard = [message.id for message in world.guest.heard()]
    assert sorted(heard) == [one] * 8 + [two]
    assert heard.index(two) <= 2


@given(
    sizes=st.lists(
        st.one_of(st.integers(0, 100), st.integers(64 * KIB - 2, 64 * KIB + 2)),
        max_size=6,
    )
)
def test_whatever_it_is_sent_in_the_file_arrives(sizes):
    world, client = with_clients(1)
    data = pattern(sum(sizes))
    upstream = world.run(client, size=len(data))
    begin = 0
    for size in sizes:
        client.say(FileXferData(1, data[begin : begin + size]))
        begin += size
    heard = world.guest.heard()
    assert b"".join(message.data for message in heard) == data
    assert {message.id for message in heard} <= {upstream}
    assert len(heard) >= len(sizes)


@each_agent
def test_a_file_without_bytes_is_one_message_without_data(agent):
    world, client = with_clients(1, agent)
    upstream = world.run(client, size=0)
    client.say(FileXferData(1, b""))
    assert world.guest.heard() == [FileXferData(upstream, b"")]
    world.guest.say(FileXferStatus(upstream, SUCCESS))
    assert client.heard() == [FileXferStatus(1, SUCCESS)]


def test_a_client_that_does_not_wait_for_the_answer_is_served_as_well():
    world, client = with_clients(1)
    client.say(FileXferStart(1, "a", 3), FileXferData(1, b"abc"))
    assert world.guest.heard() == [FileXferStart(1, "a", 3), FileXferData(1, b"abc")]


@each_agent
@pytest.mark.parametrize(
    ("size", "before", "last"),
    [
        (0, [], 1),
        (5, [], 6),
        (5, [5], 1),
        (64 * KIB, [64 * KIB - 1], 2),
        (64 * KIB, [], 64 * KIB + 1),
    ],
)
def test_more_than_the_file_has_is_an_error(size, before, last, agent):
    world, client = with_clients(1, agent)
    upstream = world.run(client, size=size)
    client.say(*[FileXferData(1, bytes(n)) for n in before])
    assert [len(message.data) for message in world.guest.heard()] == before
    with logged() as lines:
        client.say(FileXferData(1, bytes(last)), FileXferData(1, b"late"))
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]
    assert client.heard() == [FileXferStatus(1, ERROR)]
    assert len(lines.having("more than")) == 1
    assert world.is_idle


def test_the_largest_size_that_can_be_told_is_counted_up_to():
    world, client = with_clients(1)
    upstream = world.run(client, size=2**64 - 1)
    client.say(FileXferData(1, b"abc"))
    assert world.guest.heard() == [FileXferData(upstream, b"abc")]
    world.handler._by_upstream_id[upstream].sent = 2**64 - 2
    client.say(FileXferData(1, b"a"))
    assert world.guest.heard() == [FileXferData(upstream, b"a")]
    client.say(FileXferData(1, b"a"))
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]
    assert client.heard() == [FileXferStatus(1, ERROR)]


@pytest.mark.parametrize(
    ("word", "result"), [(GTK, NOT_CONNECTED), (PLAIN, ERROR)], ids=["gtk", "plain"]
)
def test_after_thirty_seconds_without_an_answer_there_is_an_error(word, result):
    world, client = with_clients(1, word=word)
    upstream = world.begin(client)
    world.wait(29.875)
    assert world.guest.heard() == client.heard() == []
    with logged() as lines:
        world.wait(0.25)
    assert client.heard() == [FileXferStatus(1, result)]
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]
    assert len(lines.having("VD_AGENT_FILE_XFER_START")) == 1
    assert world.is_idle
    world.guest.say(FileXferStatus(upstream, CAN_SEND_DATA))
    world.wait(60)
    assert world.guest.heard() == client.heard() == []


def test_each_start_has_its_own_thirty_seconds():
    world, first, second = with_clients(2)
    world.begin(first)
    world.wait(20)
    world.begin(second)
    world.wait(15)
    assert first.heard() == [FileXferStatus(1, NOT_CONNECTED)]
    assert second.heard() == []
    world.wait(15)
    assert second.heard() == [FileXferStatus(1, NOT_CONNECTED)]


def test_data_alone_is_no_answer_to_a_start():
    world, client = with_clients(1)
    world.begin(client)
    client.say(FileXferData(1, b"abc"))
    world.wait(31)
    assert client.heard() == [FileXferStatus(1, NOT_CONNECTED)]


def test_once_answered_a_transfer_may_take_its_time():
    world, client = with_clients(1)
    upstream = world.begin(client)
    world.wait(29)
    world.guest.say(FileXferStatus(upstream, CAN_SEND_DATA))
    world.wait(3600)
    client.say(FileXferData(1, b"abc"))
    world.wait(3600)
    assert client.heard() == [FileXferStatus(1, CAN_SEND_DATA)]
    assert world.guest.heard() == [FileXferData(upstream, b"abc")]


@each_agent
def test_when_a_client_leaves_its_transfers_are_cancelled(agent):
    """H8."""
    world, gone, other = with_clients(2, agent)
    kept = world.run(other)
    lost = [world.run(gone, id=1), world.begin(gone, id=2)]
    gone.leave()
    assert world.guest.heard() == [FileXferStatus(id, CANCELLED) for id in lost]
    assert other.heard() == []
    world.guest.say(*[FileXferStatus(id, ERROR) for id in lost])
    world.wait(60)
    assert other.heard() == world.guest.heard() == []
    other.say(FileXferData(1, b"abc"))
    assert world.guest.heard() == [FileXferData(kept, b"abc")]


def test_the_end_of_a_client_that_has_left_comes_behind_what_it_sent():
    """H8: an agent that reads slowly is told the whole story in its order."""
    world, client = with_clients(1)
    upstream = world.run(client, size=200 * KIB)
    world.guest.transport.fill()
    data = pattern(200 * KIB)
    client.say(FileXferData(1, data))
    client.leave()
    world.guest.transport.drain()
    assert world.guest.heard() == [
        *cut(data, upstream),
        FileXferStatus(upstream, CANCELLED),
    ]


def test_a_client_that_leaves_in_the_middle_of_a_message_is_cancelled_too():
    world, client = with_clients(1)
    upstream = world.run(client)
    client.feed(client.spell(FileXferData(1, bytes(50)))[:-1])
    client.leave()
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]


def test_a_client_that_begins_anew_has_no_transfers_from_before():
    world, client = with_clients(1)
    client.announce(1)
    client.heard()
    old = world.run(client)
    client.announce(1)
    assert world.guest.heard() == [FileXferStatus(old, CANCELLED)]
    assert statuses(client) == []
    client.say(FileXferData(1, b"late"))
    assert world.guest.heard() == []
    assert world.run(client) == old + 1


@pytest.mark.parametrize(
    "lose",
    [lambda world: world.guest.leave(), lambda world: world.guest.announce(1)],
    ids=["end", "new agent"],
)
def test_when_the_agent_is_lost_every_transfer_is_cancelled(lose):
    world, first, second = with_clients(2)
    world.run(first, id=1)
    world.begin(first, id=2)
    world.run(second, id=1)
    lose(world)
    cancelled = [FileXferStatus(id, CANCELLED) for id in (1, 2)]
    assert statuses(first) == cancelled
    assert statuses(second) == cancelled[:1]
    assert world.is_idle
    world.wait(60)
    assert statuses(first) == []


def test_a_new_agent_hears_nothing_of_old_transfers():
    world, client = with_clients(1)
    old = world.run(client)
    world.guest.announce(1)
    world.guest.heard()
    client.say(FileXferData(1, b"old"), FileXferStatus(1, CANCELLED))
    world.guest.announce(0)
    client.say(FileXferData(1, b"old"), FileXferStatus(1, CANCELLED))
    assert [m for m in world.guest.heard() if m.number in (START, STATUS, DATA)] == []
    client.heard()
    world.guest.say(FileXferStatus(old, ERROR))
    assert client.heard() == []
    assert world.run(client) == old + 1


def test_when_vdproxy_stops_both_sides_hear_of_it_and_nothing_is_left():
    world, first, second = with_clients(2)
    upstream = [world.run(first), world.begin(second)]
    world.hub.stop()
    assert world.guest.heard() == [FileXferStatus(id, CANCELLED) for id in upstream]
    for client in (first, second):
        assert client.heard() == [FileXferStatus(1, CANCELLED)]
        client.leave()
    world.guest.leave()
    world.hub.log.close()
    assert world.is_idle
    assert world.clock.getDelayedCalls() == []


@each_ending
def test_nothing_is_left_of_a_transfer_that_has_ended(ending):
    world, client = with_clients(1)
    end_by(ending, world, client, 1, world.begin(client))
    assert world.is_idle
    client.leave()
    world.guest.leave()
    world.hub.log.close()
    assert world.clock.getDelayedCalls() == []


@pytest.mark.parametrize("leave_first", ["clients", "guest"])
def test_nothing_is_left_when_everybody_has_gone(leave_first):
    world, *clients = with_clients(3)
    for client in clients:
        for id in range(10):
            world.begin(client, id)
    ends = [*clients, world.guest]
    for end in ends if leave_first == "clients" else reversed(ends):
        end.leave()
    world.hub.log.close()
    assert world.is_idle
    assert world.clock.getDelayedCalls() == []


@pytest.mark.parametrize("agent", [LINUX, NO_FILES, None], ids=["up", "no files", "no"])
def test_a_client_that_has_not_announced_itself_is_answered_plainly(agent):
    world = Files(agent)
    client = world.client()
    client.heard()
    client.say(FileXferStart(1, "a.txt", 3))
    if agent == LINUX:
        assert world.guest.heard() == [FileXferStart(1, "a.txt", 3)]
        world.guest.say(FileXferStatus(1, NOT_ENOUGH_SPACE, 1))
    elif agent is None:
        world.guest.come_up()
    assert statuses(client) == [FileXferStatus(1, ERROR)]


def test_a_client_that_never_announced_itself_and_has_gone_is_cancelled():
    """H8."""
    world = Files()
    client = world.client()
    upstream = world.begin(client)
    client.leave()
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]


@pytest.mark.parametrize("word", [GTK, PLAIN], ids=["gtk", "plain"])
def test_a_bad_start_is_answered_with_an_error(word):
    world, client = with_clients(1, word=word)
    client.feed(bad_start(2**32 - 1))
    assert client.heard() == [FileXferStatus(2**32 - 1, ERROR)]
    client.feed(frame(START, b"\7\0\0\0"))
    assert client.heard() == [FileXferStatus(7, ERROR)]
    assert world.guest.heard() == []
    assert world.is_idle


@pytest.mark.parametrize("number", [START, STATUS, DATA])
@pytest.mark.parametrize("payload", [b"", b"\1", b"\1\0\0"])
def test_what_is_too_short_for_an_id_is_answered_with_nothing(number, payload):
    world, client = with_clients(1)
    upstream = world.run(client)
    client.feed(frame(number, payload))
    world.guest.feed(frame(number, payload))
    assert client.heard() == world.guest.heard() == []
    client.say(FileXferData(1, b"abc"))
    assert world.guest.heard() == [FileXferData(upstream, b"abc")]


def test_a_bad_start_ends_no_transfer_that_runs():
    world, client = with_clients(1)
    upstream = world.run(client)
    client.feed(bad_start(1))
    assert client.heard() == [FileXferStatus(1, ERROR)]
    assert world.guest.heard() == []
    client.say(FileXferData(1, b"abc"))
    assert world.guest.heard() == [FileXferData(upstream, b"abc")]


@pytest.mark.parametrize("word", [GTK, PLAIN], ids=["gtk", "plain"])
def test_bad_data_ends_its_transfer(word):
    """The Linux agent would write what lies behind it into the file."""
    world, client = with_clients(1, word=word)
    upstream = world.run(client)
    client.feed(bad_data(1))
    assert client.heard() == [FileXferStatus(1, ERROR)]
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]
    assert world.is_idle
    client.feed(bad_data(1))
    assert client.heard() == world.guest.heard() == []


def test_a_bad_status_of_a_client_ends_nothing():
    world, client = with_clients(1)
    upstream = world.run(client)
    client.feed(frame(STATUS, b"\1\0\0\0\1"))
    assert client.heard() == world.guest.heard() == []
    client.say(FileXferData(1, b"abc"))
    assert world.guest.heard() == [FileXferData(upstream, b"abc")]


def test_a_bad_status_of_the_guest_ends_its_transfer():
    world, client, other = with_clients(2)
    upstream = world.run(client)
    world.guest.feed(frame(STATUS, struct.pack("<IB", upstream + 1, 0)))
    assert client.heard() == world.guest.heard() == []
    world.guest.feed(frame(STATUS, struct.pack("<IB", upstream, 0)))
    assert client.heard() == [FileXferStatus(1, ERROR)]
    assert other.heard() == []
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]
    assert world.is_idle


@pytest.mark.parametrize(
    ("word", "result"), [(GTK, DISABLED), (PLAIN, ERROR)], ids=["gtk", "plain"]
)
def test_a_start_that_may_not_be_is_answered(word, result):
    """H37."""
    world, client = with_clients(1, word=word)
    world.handler.dropped(client.peer, FileXferStart(3, "a", 1), "policy")
    assert client.heard() == [FileXferStatus(3, result)]
    assert world.guest.heard() == []
    assert world.is_idle


@pytest.mark.parametrize(
    ("word", "result"), [(GTK, DISABLED), (PLAIN, ERROR)], ids=["gtk", "plain"]
)
def test_data_that_may_not_be_ends_its_transfer(word, result):
    """H37."""
    world, client = with_clients(1, word=word)
    upstream = world.run(client)
    for _ in range(2):
        world.handler.dropped(client.peer, FileXferData(1, b"abc"), "policy")
    assert client.heard() == [FileXferStatus(1, result)]
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]
    assert world.is_idle


def test_the_end_that_a_client_may_not_tell_is_an_end_nevertheless():
    """H8: the client has closed its file."""
    world, client = with_clients(1)
    upstream = world.run(client)
    world.handler.dropped(client.peer, FileXferStatus(1, SUCCESS), "policy")
    assert world.guest.heard() == []
    world.handler.dropped(client.peer, FileXferStatus(1, CANCELLED), "policy")
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]
    assert client.heard() == []
    assert world.is_idle


def test_a_status_that_the_guest_may_not_tell_ends_its_transfer():
    world, client = with_clients(1)
    upstream = world.run(client, id=9)
    world.handler.dropped(world.hub.guest, FileXferStatus(9, SUCCESS), "policy")
    assert client.heard() == world.guest.heard() == []
    world.handler.dropped(world.hub.guest, FileXferStatus(upstream, SUCCESS), "policy")
    assert client.heard() == [FileXferStatus(9, ERROR)]
    assert world.guest.heard() == [FileXferStatus(upstream, CANCELLED)]


def test_the_log_tells_of_begin_and_end_and_not_of_names():
    world, client = with_clients(1)
    with logged() as lines:
        client.say(FileXferStart(1, "secret.txt", 12))
        world.guest.say(FileXferStatus(1, SUCCESS))
        client.say(FileXferStart(1, "secret.txt", 13))
        client.say(FileXferStatus(1, 4000))
    texts = lines.having(client.peer.label).texts
    assert [("12" in text, "13" in text) for text in texts] == [
        (True, False),
        (True, False),
        (False, True),
        (False, True),
    ]
    assert "VD_AGENT_FILE_XFER_STATUS_SUCCESS" in texts[1]
    assert "4000" in texts[3]
    assert "secret" not in lines.all_there_is
