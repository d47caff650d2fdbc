from __future__ import annotations

import pytest
from twisted.logger import LogLevel

from tests.hub.doubles import (
    GTK,
    FakeTransport,
    Ping,
    Recorder,
    Relay,
    World,
    logged,
    monitors_world,
    up_world,
)
from tests.link.frames import GRAB, bare_grab, monitors_config, numbers, reply
from tests.wire.decoding import chunk, frame, message
from vdproxy.handlers.monitors import MonitorsHandler
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    ClientDisconnected,
    ClipboardGrab,
    MonConfig,
    MonitorsConfig,
    Reply,
    Unknown,
)

CONFIG = MonitorsConfig(0, (MonConfig(800, 600),))
FAILED = Reply(2, 2)
BAD_CONFIG = frame(2, b"secret")

HOSTILE = {
    "port": (chunk(message(3, b"?" * 8), port=0), 0),
    "large chunk": (chunk(b"", size=2049), 0),
    "empty chunk": (chunk(b""), 0),
    "protocol": (chunk(message(3, b"?" * 8, protocol=2)), 28),
    "type 0": (chunk(message(0)), 28),
    "size": (chunk(message(4, size=2**32 - 1)), 28),
    "past the end": (chunk(message(3, b"?" * 9, size=8)), 28),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("one_by_one", [True, False])
@pytest.mark.parametrize("behind", [b"", reply() + BAD_CONFIG], ids=["alone", "more"])
def test_bad_framing_disconnects_that_client_alone(name, one_by_one, behind):
    stream, offset = HOSTILE[name]
    handler = Recorder()
    world = up_world(MonitorsHandler(), handler)
    hostile, other = world.ready_client(name="bad"), world.ready_client()
    before = len(hostile.spell(AnnounceCapabilities(0, (GTK,))))
    with logged() as lines:
        hostile.feed(stream + behind, one_by_one=one_by_one)
    (line,) = lines
    assert line["log_level"] is LogLevel.warn
    assert (line["vm"], line["client"]) == ("one", "bad#1")
    assert line["reason"].endswith(f"at byte {before + offset}")
    assert lines.texts[0].startswith("one: client bad#1 disconnected: ")
    assert hostile.transport.losing
    assert not other.transport.losing
    assert handler.told("guest_lost", "client_left") == []
    assert world.guest.heard() == []
    other.say(CONFIG)
    assert world.guest.heard() == [CONFIG]


def test_what_came_before_bad_framing_is_acted_upon():
    world = monitors_world()
    client = world.ready_client()
    client.feed(client.spell(CONFIG) + chunk(b""))
    assert client.transport.losing
    assert world.guest.heard() == [CONFIG]


def test_a_disconnected_client_is_neither_read_nor_written_to():
    handler = Recorder(Ping)
    world = up_world(handler)
    client = world.ready_client()
    client.peer.disconnect("enough")
    client.say(Ping(b"?"))
    client.peer.send(Ping(b"?"))
    client.peer.offer(Capabilities.of(1))
    assert client.heard() == []
    assert handler.told("received") == []


def test_a_client_that_does_not_go_is_cut_off_after_a_second():
    client_world = monitors_world()
    client = client_world.ready_client()
    client.peer.disconnect("enough")
    client_world.wait(0.875)
    assert not client.transport.aborted
    client_world.wait(0.25)
    assert client.transport.aborted
    client.leave()
    assert client_world.hub.clients == []


def test_a_client_that_goes_in_time_is_not_cut_off():
    world = monitors_world()
    client = world.ready_client()
    client.peer.disconnect("enough")
    client.leave()
    world.wait(5)
    assert not client.transport.aborted


def test_a_second_reason_to_disconnect_changes_nothing():
    client = monitors_world().ready_client()
    with logged() as lines:
        client.peer.disconnect("first")
        client.peer.disconnect("second")
    assert len(lines) == 1


def test_what_a_transport_was_given_may_still_be_read():
    client = up_world(Recorder(Ping)).ready_client()
    client.peer.send(Ping(b"last words"))
    client.peer.disconnect("enough")
    assert client.heard() == [Ping(b"last words")]
    assert client.transport.producer is None, "its transport would wait for more"


def test_a_bad_monitors_config_is_answered_and_logged_without_its_content():
    world = monitors_world()
    client = world.ready_client()
    with logged() as lines:
        client.feed(BAD_CONFIG, one_by_one=True)
    assert client.heard() == [FAILED]
    (line,) = lines
    assert line["message"] == "VD_AGENT_MONITORS_CONFIG"
    assert line["client"] == "vdi#1"
    assert "secret" not in lines.all_there_is
    assert world.guest.heard() == []


def test_a_bad_message_that_nobody_owns_is_one_line():
    client = monitors_world().ready_client()
    with logged() as lines:
        client.feed(frame(GRAB, b"?"))
    assert len(lines) == 1
    assert client.heard() == []


@pytest.mark.parametrize("one_read", [True, False])
def test_five_bad_messages_in_a_row_disconnect_that_client_alone(one_read):
    world = monitors_world()
    client, other = world.ready_client(), world.ready_client()
    with logged() as lines:
        if one_read:
            client.feed(BAD_CONFIG * 7)
        else:
            for number in range(7):
                assert client.transport.losing == (number >= 5)
                client.feed(BAD_CONFIG)
    assert client.heard() == [FAILED] * 5
    assert client.transport.losing
    assert len(lines.having("sent a bad")) == 5
    assert len(lines.having("disconnected: 5 bad messages in a row")) == 1
    assert not other.transport.losing


@pytest.mark.parametrize(
    "good", [monitors_config(), reply(), frame(1000, b"?")], ids=["owned", "reply", "?"]
)
def test_a_good_message_in_between_begins_the_count_anew(good):
    world = monitors_world()
    client = world.ready_client()
    for _ in range(4):
        client.feed(BAD_CONFIG * 4 + good)
    assert not client.transport.losing
    client.feed(BAD_CONFIG * 5)
    assert client.transport.losing


def test_bad_messages_of_others_do_not_count():
    world = monitors_world()
    clients = [world.ready_client() for _ in range(3)]
    for _ in range(4):
        for client in clients:
            client.feed(BAD_CONFIG)
    assert not any(client.transport.losing for client in clients)


def test_a_grab_that_lost_a_race_is_one_line():
    handler = Recorder(ClipboardGrab, relayed=Capabilities.of(5, 6, 17))
    client = up_world(handler).ready_client()
    with logged() as lines:
        client.feed(frame(GRAB, numbers(0, 7, 1)))
    assert len(lines.having("VD_AGENT_CLIPBOARD_GRAB of client vdi#1 not taken")) == 1
    assert handler.told("received") == []


def test_nothing_is_sent_before_a_client_was_told_what_we_can_do():
    world = World(Recorder(Ping))
    client = world.client()
    client.peer.send(Ping(b"?"))
    assert client.heard() == []


def test_a_client_is_met_once_and_parted_with_once():
    handler = Recorder()
    client = up_world(handler).ready_client()
    client.announce(0)
    client.announce(1)
    client.leave()
    assert [call[0] for call in handler.told("client_ready", "client_left")] == [
        "client_ready",
        "client_left",
    ]


def test_a_client_that_begins_anew_is_left_and_met_again():
    handler = Recorder()
    client = up_world(handler).client()
    client.announce(1)
    handler.forget()
    client.heard()
    client.announce(1)
    names = [call[0] for call in handler.told("client_ready", "client_left")]
    assert names == ["client_left", "client_ready"]
    (answer,) = client.heard()
    assert answer.request == 0


def test_a_client_that_says_it_has_gone_is_left_and_met_again():
    """H21."""
    handler = Recorder(ClientDisconnected)
    world = up_world(handler)
    client, _, silent = world.ready_client(), world.ready_client(), world.client()
    handler.forget()
    for end in (client, silent):
        end.say(ClientDisconnected(), port=2)
    assert handler.calls == [
        ("client_left", client.peer),
        ("client_ready", client.peer),
    ]
    assert world.guest.heard() == []
    assert client.heard() == []


def test_what_a_handler_sends_to_a_new_client_comes_behind_the_answer():
    class Greets(Recorder):
        def client_ready(self, client):
            client.send(Ping(b"hello"))

    client = up_world(Greets(Ping)).client()
    client.heard()
    client.announce(1)
    answer, greeting = client.heard()
    assert answer.request == 0
    assert greeting == Ping(b"hello")


def test_a_client_that_never_announced_itself_is_parted_with_all_the_same():
    handler = Recorder()
    client = up_world(handler).client()
    client.leave()
    calls = handler.told("client_ready", "client_left")
    assert calls == [("client_left", client.peer)]


def test_messages_before_the_announcement_reach_their_handlers():
    handler = Recorder(ClipboardGrab)
    client = World(handler).client()
    client.feed(bare_grab(1))
    assert handler.told("received") == [
        ("received", client.peer, ClipboardGrab(0, (1,)))
    ]


def test_a_client_may_leave_in_the_middle_of_a_message():
    """H4."""
    world = monitors_world()
    client, other = world.ready_client(), world.ready_client()
    client.feed(monitors_config()[:-5])
    client.leave()
    other.say(CONFIG)
    assert world.guest.heard() == [CONFIG]


BULK = Ping(b"x" * 2_000_000)


def test_a_client_that_does_not_read_is_dropped_over_its_limit():
    """H27."""
    world = up_world(Relay(Ping), max_message=1024)
    slow, fast = world.ready_client(name="slow"), world.ready_client()
    slow.transport.fill()
    for _ in range(5):
        world.guest.say(BULK)
    assert not slow.transport.losing
    assert slow.peer.queued < 8 * 1024 * 1024 + len(BULK.data) * 1.1
    with logged() as lines:
        world.guest.say(BULK)
    assert slow.transport.losing
    assert slow.peer.queued == 0
    (line,) = lines.having("does not read")
    assert (line["vm"], line["client"]) == ("one", "slow#1")
    assert fast.heard() == [BULK] * 6
    assert not fast.transport.losing
    assert world.guest.transport.reading, "the guest has to wait for a client"


def test_a_message_of_the_largest_size_may_wait_besides_small_ones():
    world = up_world(Relay(Ping), max_message=2_000_000)
    slow = world.ready_client()
    slow.transport.fill()
    slow.peer.send(BULK)
    for _ in range(80):
        slow.peer.send(Ping(b"x" * 100_000))
    assert not slow.transport.losing


def test_a_client_that_does_not_read_is_dropped_over_very_many_small_messages():
    """H27."""
    world = up_world(Relay(Ping))
    slow = world.ready_client()
    slow.transport.fill()
    for _ in range(20_000):
        slow.peer.send(Ping(b"x"))
    assert not slow.transport.losing
    slow.peer.send(Ping(b"x"))
    assert slow.transport.losing


def test_a_dropped_client_reads_no_message_behind_half_a_one():
    world = up_world(Relay(Ping), max_message=1024)
    slow = world.ready_client(transport=FakeTransport())
    slow.transport.drain(room=1)
    for _ in range(6):
        world.guest.say(BULK)
    assert slow.transport.losing
    written = bytes(slow.transport.written)
    world.guest.say(Ping(b"small"))
    slow.transport.drain()
    world.guest.say(Ping(b"small"))
    assert slow.transport.written == written


def test_a_client_that_reads_at_times_gets_everything_in_order():
    world = up_world(Relay(Ping))
    client = world.ready_client()
    sent = []
    for number in range(20):
        client.transport.fill()
        for size in (10, 100_000, 0):
            sent.append(Ping(bytes([number]) * size))
            world.guest.say(sent[-1])
        client.transport.drain(room=50_000 * number)
    client.transport.drain()
    assert client.heard() == sent


def test_unknown_messages_are_given_to_nobody():
    handler = Recorder(Ping)
    client = up_world(handler).ready_client()
    client.say(Unknown(1000, b"?"), Ping(b"!"))
    assert handler.told("received") == [("received", client.peer, Ping(b"!"))]


def test_what_a_client_asks_before_the_guest_is_up_is_answered_then():
    world = World(MonitorsHandler())
    early = world.client()
    early.announce(1)
    early.feed(monitors_config() * 1024)
    assert early.heard() == []
    world.guest.come_up()
    asked, answered, *replies = early.heard()
    assert (asked.request, answered.request) == (1, 0)
    assert replies == [Reply(2, 2)] * 1024


def test_a_client_that_asks_without_end_before_the_guest_is_up_is_let_go_of():
    world = World(MonitorsHandler())
    early = world.client()
    with logged() as lines:
        early.feed(monitors_config() * 1025)
    assert early.transport.losing
    assert len(lines.having("asks without end")) == 1


def test_what_waits_before_the_guest_is_up_is_bounded_in_bytes():
    world = World(Recorder(Ping), max_queued=1000)
    early = world.client()
    with logged() as lines:
        for _ in range(3):
            early.peer.send(Ping(bytes(600)))
    assert early.transport.losing
    assert len(lines.having("3 answers of 1800 bytes wait")) == 1
