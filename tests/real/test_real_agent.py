"""One spice-vdagentd, shown to several clients at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.peers.daemon import Vdproxy
from tests.peers.model_agent import LINUX
from tests.peers.programs import wait_for
from tests.peers.rawclient import RawClient
from tests.peers.relay import ChardevRelay
from tests.peers.vdagentd import RealAgent
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.constants import Capability, MessageType, ReplyError
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    MonConfig,
    MonitorsConfig,
    Reply,
)

#: Of what the Linux agent can do: what the monitors handler relays. That files
#: do not work is told as well.
OFFER = Capabilities.of(
    Capability.VD_AGENT_CAP_MONITORS_CONFIG,
    Capability.VD_AGENT_CAP_REPLY,
    Capability.VD_AGENT_CAP_SPARSE_MONITORS_CONFIG,
    Capability.VD_AGENT_CAP_FILE_XFER_DISABLED,
)
ACCEPTED = Reply(MessageType.VD_AGENT_MONITORS_CONFIG, ReplyError.VD_AGENT_SUCCESS)


class Guest:
    """A real agent behind a relay, as behind QEMU, and vdproxy in front of both."""

    def __init__(self, directory: Path) -> None:
        self._stack = ExitStack()
        self.clients_path = directory / "clients.sock"
        ini = f"""
[vm:real]
guest = unix:{directory}/host.sock
clients = vdi unix:{self.clients_path}
"""
        self.relay = self._stack.enter_context(
            ChardevRelay(directory / "guest.sock", directory / "host.sock")
        )
        self.agent = self._stack.enter_context(
            RealAgent(directory, directory / "guest.sock")
        )
        self.vdproxy = self._stack.enter_context(Vdproxy(directory / "proxy", ini))

    def close(self) -> None:
        self._stack.close()

    def connect(self) -> RawClient:
        return RawClient.connect(self.clients_path)

    def restart_agent(self) -> None:
        self.agent.start_daemon()
        self.agent.start_session()

    def times_up(self) -> int:
        return self.vdproxy.log.count("agent is up")

    def wait_until_up(self, times: int) -> None:
        wait_for(
            lambda: self.times_up() >= times,
            10,
            f"{times} handshakes",
            lambda: self.vdproxy.log + self.agent.log,
        )


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    guest = Guest(tmp_path)
    try:
        guest.wait_until_up(1)
        yield guest
    finally:
        guest.close()


def resize(client: RawClient, width: int, height: int) -> None:
    client.send(MonitorsConfig(0, (MonConfig(width, height),)))
    assert client.expect(Reply) == ACCEPTED


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
            guest.wait_until_up(life)
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
        guest.wait_until_up(2)
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


def test_an_agent_that_connects_itself_may_die_and_return(tmp_path: Path):
    ini = f"""
[vm:real]
guest-listen = unix:{tmp_path}/guest.sock
clients = vdi unix:{tmp_path}/clients.sock
"""
    with (
        Vdproxy(tmp_path / "proxy", ini) as vdproxy,
        RealAgent(tmp_path, tmp_path / "guest.sock") as agent,
        RawClient.connect(tmp_path / "clients.sock") as client,
    ):
        assert client.receive() == AnnounceCapabilities(1, OFFER.to_words())
        client.announce(0, OFFER)
        resize(client, 800, 600)
        agent.kill_daemon()
        wait_for(lambda: "agent is lost" in vdproxy.log, 5, "loss", lambda: vdproxy.log)
        client.send(MonitorsConfig(0, (MonConfig(800, 600),)))
        assert client.expect(Reply).error == ReplyError.VD_AGENT_ERROR
        agent.start_daemon()
        agent.start_session()
        wait_for(
            lambda: vdproxy.log.count("agent is up") == 2,
            10,
            "second handshake",
            lambda: vdproxy.log,
        )
        resize(client, 1000, 700)


def test_a_second_vdproxy_takes_the_first_for_an_agent(guest: Guest, tmp_path: Path):
    ini = f"""
[vm:second]
guest = unix:{guest.clients_path}
clients = vdi unix:{tmp_path}/second.sock
"""
    with (
        Vdproxy(tmp_path / "second", ini),
        RawClient.connect(tmp_path / "second.sock") as client,
    ):
        assert client.receive() == AnnounceCapabilities(1, OFFER.to_words())
        client.announce(0, OFFER)
        resize(client, 800, 600)
    assert guest.agent.connections_logged == 1


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
