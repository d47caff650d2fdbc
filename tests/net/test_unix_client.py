"""Connecting to Unix sockets: at once or not at all, and said as Twisted says it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.error import ConnectError, NoProtocol
from twisted.internet.protocol import Factory, Protocol

from tests.support import until, within
from vdproxy.net.endpoints import client_endpoint
from vdproxy.net.unix_client import UNIXSocketEndpoint


class Listening(Protocol):
    """Keeps what it is told."""

    def __init__(self):
        self.data = b""
        self.lost = Deferred()

    def dataReceived(self, data):
        self.data += data

    def connectionLost(self, reason):
        self.lost.callback(None)


@pytest.fixture
def server(tmp_path):
    """A socket that listens and has room for one that is not accepted."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "a.sock"))
        server.listen(0)
        server.settimeout(5)
        yield server


def _connect(reactor, path, factory=None):
    """Return what has come of a try when it was begun: a protocol or a Failure."""
    outcomes = []
    endpoint = client_endpoint(reactor, f"unix:{path}")
    connecting = endpoint.connect(factory or Factory.forProtocol(Listening))
    connecting.addBoth(outcomes.append)
    (outcome,) = outcomes
    return outcome


def _descriptors():
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - few words for a count


@within(5)
async def test_bytes_go_both_ways_until_the_end(reactor, tmp_path, server):
    protocol = _connect(reactor, tmp_path / "a.sock")
    accepted, _ = server.accept()
    with accepted:
        accepted.settimeout(5)
        accepted.sendall(b"question")
        await until(reactor, lambda: protocol.data == b"question")
        protocol.transport.write(b"answer")
        await until(reactor, lambda: not reactor.getWriters())
        assert accepted.recv(100) == b"answer"
    await protocol.lost


@within(5)
async def test_a_descriptor_is_taken_and_given_back(reactor, tmp_path, server):
    before = _descriptors()
    protocol = _connect(reactor, tmp_path / "a.sock")
    assert _descriptors() == before + 1
    protocol.transport.abortConnection()
    await protocol.lost
    assert _descriptors() == before


def _nothing(path):
    """Leave the name free."""


def _dead(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


@pytest.mark.parametrize("left", [_nothing, _dead, Path.mkdir, Path.touch])
@within(5)
async def test_a_try_in_vain_fails_as_twisteds_does_but_at_once(
    reactor, tmp_path, left
):
    path = tmp_path / "a.sock"
    left(path)
    with pytest.raises(ConnectError) as raised:
        await UNIXClientEndpoint(reactor, str(path)).connect(Factory())
    failure = _connect(reactor, path)
    assert failure.type is raised.type
    assert failure.getErrorMessage() == str(raised.value)


def test_a_try_in_vain_leaves_no_descriptor(reactor, tmp_path):
    before = _descriptors()
    for _ in range(3):
        assert _connect(reactor, tmp_path / "no.sock").check(ConnectError)
    assert _descriptors() == before


def test_a_socket_that_takes_no_more_is_no_connection(reactor, tmp_path, server):
    with socket.socket(socket.AF_UNIX) as first:
        first.connect(str(tmp_path / "a.sock"))
        failure = _connect(reactor, tmp_path / "a.sock")
    assert failure.check(ConnectError)
    assert "Resource temporarily unavailable" in failure.getErrorMessage()


def test_a_factory_that_has_no_protocol_to_give_is_a_failure(reactor, tmp_path, server):
    class Full(Factory):
        def buildProtocol(self, addr):
            return None

    assert _connect(reactor, tmp_path / "a.sock", Full()).check(NoProtocol)
    accepted, _ = server.accept()
    with accepted:
        assert accepted.recv(1) == b""


def test_a_factory_that_raises_is_a_failure(reactor, tmp_path, server):
    class Broken(Factory):
        def buildProtocol(self, addr):
            raise KeyError(addr)

    assert _connect(reactor, tmp_path / "a.sock", Broken()).check(KeyError)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("unix:a", UNIXSocketEndpoint),
        ("unix:path=a", UNIXSocketEndpoint),
        ("unix:a\\:b", UNIXSocketEndpoint),
        ("unix:a:timeout=5", UNIXClientEndpoint),
        ("unix:path=a:lockfile=1", UNIXClientEndpoint),
    ],
)
def test_who_asks_for_more_than_a_path_has_twisteds_own(reactor, text, kind):
    assert type(client_endpoint(reactor, text)) is kind
