"""One spice-vdagentd, shown to several clients at once."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.peers.model_agent import LINUX
from tests.peers.programs import wait_for
from tests.real.guest import OFFER, Guest, resize
from vdproxy.wire.constants import ReplyError
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    MonConfig,
    MonitorsConfig,
    Reply,
)


def test_clients_in_turn_and_at_once_see_the_agent_and_it_sees_one(guest: Guest):
    with ExitStack() as stack:
        clients = [stack.enter_context(guest.connect()) for _ in range(3)]
        for client in clients:
            assert client.receive() == AnnounceCapabilities(1, OFFER.to_words())
            client.announce(1, OFFER)
            assert client.receive() == AnnounceCapabilities(0, OFFER.to_words())
        for size, client in zip((800, 900, 1000), clients, strict=True):
            resize(client, size, 600)
        assert all(client.drain(0.2) == [] for client in clients)
    for _ in range(3):
        with guest.connect() as client:
            assert client.receive() == AnnounceCapabilities(1, OFFER.to_words())
            client.announce(1, OFFER)
            assert client.receive() == AnnounceCapabilities(0, OFFER.to_words())
            resize(client, 1024, 768)
    assert guest.agent.connections_logged == 1


@pytest.mark.parametrize("words", [(), (LINUX,), (0x86, 0, 0, 0, 0, 0, 0, 1 << 31)])
def test_a_client_that_never_speaks_first_is_negotiated_with(guest: Guest, words):
    with guest.connect() as client:
        assert client.receive() == AnnounceCapabilities(1, OFFER.to_words())
        client.announce(0, words)
        resize(client, 640, 480)
        assert client.drain(0.2) == []


def test_an_agent_killed_at_rest_is_survived_and_its_clients_stay(guest: Guest):
    with guest.connect() as asker, guest.connect() as silent:
        for client in (asker, silent):
            assert client.receive() == AnnounceCapabilities(1, OFFER.to_words())
        asker.announce(1, OFFER)
        assert asker.receive() == AnnounceCapabilities(0, OFFER.to_words())
        for life in (2, 3):
            guest.agent.kill_daemon()
            guest.restart_agent()
            assert guest.times_up() == life
            resize(asker, 800, 600)
        # What is offered has not changed, so nobody was told anything.
        assert silent.drain(0.2) == []
        assert asker.drain(0.2) == []
    assert guest.agent.connections_logged == 3


@pytest.mark.parametrize("bytes_through", [1, 7, 8, 12, 27, 28, 35])
def test_an_agent_killed_between_two_bytes_of_a_chunk_is_survived(
    guest: Guest, bytes_through: int
):
    with guest.connect() as client:
        client.receive()
        client.announce(0, OFFER)
        guest.relay.cut_after(bytes_through)
        before = guest.relay.bytes_to_host
        client.send(MonitorsConfig(0, (MonConfig(800, 600),)))
        wait_for(
            lambda: guest.relay.bytes_to_host == before + bytes_through,
            5,
            "cut REPLY",
        )
        guest.agent.kill_daemon()
        guest.restart_agent()
        # The question of the dead agent's life is answered too, with an error.
        assert client.expect(Reply).error == ReplyError.VD_AGENT_ERROR
        resize(client, 900, 700)


def test_a_vdproxy_that_was_killed_takes_up_the_agent_again(guest: Guest):
    guest.vdproxy.kill()
    guest.vdproxy.start()
    guest.wait_until_up(2)
    with guest.connect() as client:
        assert client.receive() == AnnounceCapabilities(1, OFFER.to_words())
        client.announce(0, OFFER)
        resize(client, 800, 600)


def test_hostile_bytes_cost_their_sender_the_connection_and_nobody_else(guest: Guest):
    bad = {
        "port 0": b"\0\0\0\0\x1c\0\0\0",
        "port 3": b"\x03\0\0\0\x1c\0\0\0",
        "port 4294967295": b"\xff\xff\xff\xff\x1c\0\0\0",
        "0 bytes": b"\x01\0\0\0\0\0\0\0",
        "4294967295 bytes, more than 2048": b"\x01\0\0\0\xff\xff\xff\xff",
        "protocol 2": b"\x01\0\0\0\x14\0\0\0\x02\0\0\0\x06" + bytes(15),
        "type 0": b"\x01\0\0\0\x14\0\0\0\x01" + bytes(19),
        "type 4 with 4294967295 bytes": (
            b"\x01\0\0\0\x14\0\0\0\x01\0\0\0\x04" + bytes(11) + b"\xff\xff\xff\xff"
        ),
    }
    with guest.connect() as bystander:
        bystander.receive()
        bystander.announce(0, OFFER)
        for reason, data in bad.items():
            lines = guest.vdproxy.log.count("disconnected")
            with guest.connect() as client:
                client.receive()
                client.send_bytes(data)
                assert client.closed(5)
            told = [
                line for line in guest.vdproxy.log.splitlines() if "disconn" in line
            ]
            assert len(told) == lines + 1
            assert reason in told[-1]
            assert "real: client vdi#" in told[-1]
            assert "at byte" in told[-1]
            resize(bystander, 800, 600)
        assert bystander.drain(0.2) == []
