"""Transfers begin, each with an id of its own upstream."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.handlers.file_transfer.pushes import (
    CAN_SEND_DATA,
    ERROR,
    NO_FILES,
    NOT_ENOUGH_SPACE,
    SUCCESS,
    Files,
    each_agent,
    each_ending,
    end_by,
    statuses,
    with_clients,
)
from tests.hub.doubles import logged
from tests.link.frames import LINUX
from vdproxy.handlers.file_transfer import FileTransferHandler, make
from vdproxy.interfaces import IMessageHandler
from vdproxy.makers import NoOptions
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import FileXferData, FileXferStart, FileXferStatus


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


def test_the_guest_starts_no_transfer_and_sends_no_data():
    world, client = with_clients(1)
    upstream = world.run(client)
    world.guest.say(FileXferStart(1, "a", 1), FileXferData(upstream, b"a"))
    assert client.heard() == world.guest.heard() == []
    assert world.run(client, id=2) == upstream + 1


@pytest.mark.parametrize(
    "name",
    ["a", "...", ".bashrc", " a ", "a..b", "ä€😀", "C:", "[x]=#;", "%s{x}", "a" * 255],
)
def test_a_name_that_is_one_arrives_as_it_is(name):
    world, client = with_clients(1)
    client.say(FileXferStart(1, name, 5))
    assert world.guest.heard() == [FileXferStart(1, name, 5)]


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
