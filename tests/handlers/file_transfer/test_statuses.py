"""What the guest and the clients tell of transfers."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from tests.handlers.file_transfer.pushes import (
    CAN_SEND_DATA,
    CANCELLED,
    DATA,
    DISABLED,
    ENDINGS,
    ERROR,
    NOT_CONNECTED,
    NOT_ENOUGH_SPACE,
    PLAIN,
    SESSION_LOCKED,
    START,
    STATUS,
    SUCCESS,
    bad_data,
    bad_start,
    each_agent,
    with_clients,
)
from tests.hub.doubles import logged
from tests.link.frames import WINDOWS
from tests.wire.decoding import frame
from vdproxy.wire.messages import FileXferData, FileXferStatus


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


def test_a_client_is_told_to_send_as_often_as_the_agent_says_so():
    world, client = with_clients(1)
    upstream = world.run(client)
    world.guest.say(FileXferStatus(upstream, CAN_SEND_DATA))
    assert client.heard() == [FileXferStatus(1, CAN_SEND_DATA)]
    client.say(FileXferData(1, b"abc"))
    assert world.guest.heard() == [FileXferData(upstream, b"abc")]


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


@pytest.mark.parametrize("bad", [bad_start, bad_data])
def test_what_the_guest_cannot_say_of_a_file_ends_nothing(bad):
    """Only clients send files."""
    world, client = with_clients(1)
    upstream = world.run(client)
    world.guest.feed(bad(upstream))
    assert client.heard() == world.guest.heard() == []
    world.guest.say(FileXferStatus(upstream, SUCCESS))
    assert client.heard() == [FileXferStatus(1, SUCCESS)]


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
