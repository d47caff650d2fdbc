"""Starts that the guest never hears of, and what their client is told."""

from __future__ import annotations

import pytest

from tests.handlers.file_transfer.pushes import (
    DISABLED,
    ERROR,
    KIB,
    NO_FILES,
    NOT_CONNECTED,
    PLAIN,
    START,
    SUCCESS,
    Files,
    bad_start,
    each_agent,
    each_ending,
    end_by,
    with_clients,
)
from tests.hub.doubles import GTK, logged
from tests.wire.decoding import frame
from vdproxy.wire.messages import FileXferData, FileXferStart, FileXferStatus


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


@pytest.mark.parametrize("word", [GTK, PLAIN], ids=["gtk", "plain"])
def test_a_bad_start_is_answered_with_an_error(word):
    world, client = with_clients(1, word=word)
    client.feed(bad_start(2**32 - 1))
    assert client.heard() == [FileXferStatus(2**32 - 1, ERROR)]
    client.feed(frame(START, b"\7\0\0\0"))
    assert client.heard() == [FileXferStatus(7, ERROR)]
    assert world.guest.heard() == []
    assert world.is_idle


def test_a_bad_start_ends_no_transfer_that_runs():
    world, client = with_clients(1)
    upstream = world.run(client)
    client.feed(bad_start(1))
    assert client.heard() == [FileXferStatus(1, ERROR)]
    assert world.guest.heard() == []
    client.say(FileXferData(1, b"abc"))
    assert world.guest.heard() == [FileXferData(upstream, b"abc")]


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


def test_how_many_may_run_are_options():
    world = Files(max_transfers=3, max_transfers_of_client=2)
    first, second = world.ready_client(), world.ready_client()
    world.run(first, 1)
    world.run(first, 2)
    refused(first, FileXferStart(3, "a", 5))
    upstream = world.run(second, 1)
    refused(second, FileXferStart(2, "a", 5))
    world.guest.say(FileXferStatus(upstream, SUCCESS))
    second.heard()
    world.run(second, 2)
