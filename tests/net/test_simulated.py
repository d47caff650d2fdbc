"""``simulated:``, the endpoint: what it takes and what it connects to."""

from __future__ import annotations

import re

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.protocol import Factory, Protocol

from tests.support import settled, within
from vdproxy.net.endpoints import client_endpoint
from vdproxy.net.simulated import SimulatedEndpoint


class Listening(Protocol):
    """Collects what it is told."""

    def __init__(self):
        self.data = b""
        self.heard = Deferred()
        self.lost = Deferred()
        self.reason = None

    def dataReceived(self, data):
        self.data += data
        if not self.heard.called:
            self.heard.callback(None)

    def connectionLost(self, reason):
        self.reason = reason
        self.lost.callback(None)


@pytest.mark.parametrize("text", ["simulated:", "simulated"])
def test_it_is_an_endpoint_string(reactor, text):
    assert isinstance(client_endpoint(reactor, text), SimulatedEndpoint)


def test_it_takes_a_folder_for_files(reactor, tmp_path):
    endpoint = client_endpoint(reactor, f"simulated:files={tmp_path}")
    assert isinstance(endpoint, SimulatedEndpoint)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("simulated:files=no", "'no' is not a folder"),
        ("simulated:no", "simulated: takes files=FOLDER, not 'no'"),
    ],
)
def test_wrong_arguments_are_told(reactor, tmp_path, monkeypatch, text, problem):
    monkeypatch.chdir(tmp_path)
    line = re.escape(f"{text!r} is no client endpoint: {problem}")
    with pytest.raises(ValueError, match=f"^{line}$"):
        client_endpoint(reactor, text)


def test_an_unknown_argument_is_told_without_a_word_of_python(reactor):
    with pytest.raises(ValueError, match="'simulated:fiels=x'") as raised:
        client_endpoint(reactor, "simulated:fiels=x")
    assert "fiels" in str(raised.value)
    assert "make()" not in str(raised.value)


@within(5)
async def test_the_agent_behind_it_speaks_first(reactor):
    endpoint = client_endpoint(reactor, "simulated:")
    protocol = await endpoint.connect(Factory.forProtocol(Listening))
    await protocol.heard
    assert protocol.data[8:16] == b"\x01\0\0\0\x06\0\0\0"
    protocol.transport.loseConnection()
    await protocol.lost
    await settled(reactor)


@within(5)
async def test_each_connection_has_an_agent_of_its_own(reactor):
    endpoint = client_endpoint(reactor, "simulated:")
    protocols = [
        await endpoint.connect(Factory.forProtocol(Listening)) for _ in range(2)
    ]
    for protocol in protocols:
        await protocol.heard
    protocols[0].transport.abortConnection()
    await protocols[0].lost
    assert not protocols[1].lost.called
    protocols[1].transport.abortConnection()
    await protocols[1].lost
    await settled(reactor)


@within(5)
async def test_the_agent_hangs_up_on_bad_framing(reactor, log):
    endpoint = client_endpoint(reactor, "simulated:")
    protocol = await endpoint.connect(Factory.forProtocol(Listening))
    protocol.transport.write(b"\xff" * 64)
    await protocol.lost
    assert protocol.reason.check(ConnectionDone, ConnectionLost)
    (line,) = log.of("the simulated guest closes its port")
    assert "4294967295" in line


@within(5)
async def test_a_factory_that_has_no_protocol_to_give_is_refused(reactor):
    class Full(Factory):
        def buildProtocol(self, addr):
            return None

    with pytest.raises(ConnectionRefusedError):
        await client_endpoint(reactor, "simulated:").connect(Full())
