"""The helpers in this directory hold against the real agent."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.model_agent import LINUX, ModelAgent
from tests.peers.programs import wait_for
from tests.peers.rawclient import RawClient
from tests.peers.relay import ChardevRelay
from tests.peers.vdagentd import RealAgent
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.chunk import GUEST_FRAMING
from vdproxy.wire.constants import Capability, ClipboardType, MessageType, ReplyError
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRequest,
    MonConfig,
    MonitorsConfig,
    Reply,
)

HOST = Capabilities.of(
    Capability.VD_AGENT_CAP_MONITORS_CONFIG,
    Capability.VD_AGENT_CAP_REPLY,
    Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND,
    Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION,
    Capability.VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL,
)
TEXT = ClipboardType.VD_AGENT_CLIPBOARD_UTF8_TEXT


class Host(RawClient):
    """The host's end of a port, where chunks of any size come in."""

    def shake_hands(self) -> None:
        """Take part in the handshake of an agent that has just started."""
        assert self.expect(AnnounceCapabilities) == AnnounceCapabilities(1, (LINUX,))
        self.announce(1, HOST)
        assert self.expect(AnnounceCapabilities) == AnnounceCapabilities(0, (LINUX,))


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[ChardevRelay]:
    with ChardevRelay(tmp_path / "guest.sock", tmp_path / "host.sock") as relay:
        yield relay


@pytest.fixture
def host(relay: ChardevRelay, tmp_path: Path) -> Iterator[Host]:
    with Host.connect(tmp_path / "host.sock", GUEST_FRAMING) as host:
        wait_for(lambda: relay.host_connected, 5, "host at the relay")
        yield host


def test_agent_shakes_hands_with_a_listener(tmp_path: Path) -> None:
    port = tmp_path / "port.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(port))
        listener.listen()
        listener.settimeout(5)
        with RealAgent(tmp_path, port) as agent:
            connection, _ = listener.accept()
            with Host(connection, GUEST_FRAMING) as host:
                host.shake_hands()
                assert agent.connections_logged == 1
                host.announce(0, HOST)
                host.announce(1, HOST)
                host.expect(AnnounceCapabilities)
                assert agent.connections_logged == 2
                agent.kill_session()
                assert host.closed()


def test_relay_carries_clipboard_and_monitors(
    tmp_path: Path, relay: ChardevRelay, host: Host
) -> None:
    with RealAgent(tmp_path, tmp_path / "guest.sock") as agent:
        host.shake_hands()

        large = "snowman \N{SNOWMAN} " * 4000
        agent.copy(large)
        assert TEXT in host.expect(ClipboardGrab).types
        host.send(ClipboardRequest(0, TEXT))
        assert host.expect(Clipboard) == Clipboard(0, TEXT, large.encode())

        host.send(MonitorsConfig(0, (MonConfig(800, 600),)))
        reply = Reply(MessageType.VD_AGENT_MONITORS_CONFIG, ReplyError.VD_AGENT_SUCCESS)
        assert host.expect(Reply) == reply
        wait_for(lambda: agent.screen_size() == (800, 600), 5, "new size of the screen")


def test_killed_daemon_is_invisible_to_the_host(
    tmp_path: Path, relay: ChardevRelay, host: Host
) -> None:
    with RealAgent(tmp_path, tmp_path / "guest.sock") as agent:
        host.shake_hands()
        agent.kill_daemon()
        wait_for(lambda: not relay.guest_connected, 5, "end of the agent")
        assert not host.closed(0.2)
        agent.start_daemon()
        agent.start_session()
        host.shake_hands()
        assert host.others == []


def test_agent_comes_back_in_silence_when_the_host_does(
    tmp_path: Path, relay: ChardevRelay, host: Host
) -> None:
    with RealAgent(tmp_path, tmp_path / "guest.sock") as agent:
        host.shake_hands()
        host.close()
        wait_for(lambda: "reconnecting" in agent.log, 5, "reconnect", lambda: agent.log)
        with Host.connect(tmp_path / "host.sock", GUEST_FRAMING) as again:
            assert again.drain(0.2) == []
            again.announce(1, HOST)
            again.expect(AnnounceCapabilities)


def test_model_agent_shakes_hands_and_may_be_cut_off(
    tmp_path: Path, relay: ChardevRelay, host: Host
) -> None:
    with ModelAgent(tmp_path / "guest.sock") as agent:
        host.shake_hands()
        assert agent.expect(AnnounceCapabilities).capabilities == HOST
        relay.cut_after(30)
        agent.send(Clipboard(0, TEXT, b"0123456789"))
    wait_for(lambda: not relay.guest_connected, 5, "end of the agent")
    assert relay.bytes_to_host == 2 * 36 + 30

    # Unread while there is no agent, so that the next one gets it.
    host.announce(1, HOST)
    with ModelAgent(tmp_path / "guest.sock", announce=False) as agent:
        agent.expect(AnnounceCapabilities)
