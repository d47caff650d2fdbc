"""A server endpoint that listens as soon as it can, and stops when told."""

from __future__ import annotations

import socket

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock

from tests.support import leaves_unbound_sockets, new_hub, until, within
from vdproxy.net.endpoints import server_endpoint
from vdproxy.net.listener import Listener


class Port:
    """A port that notes when it is stopped."""

    def __init__(self, answer=None):
        self.stopped = 0
        self._answer = answer

    def stopListening(self):  # noqa: N802 - Twisted's name
        self.stopped += 1
        return self._answer


class Endpoint:
    """Refuses so many tries, then answers with *answer*."""

    def __init__(self, refusals=0, answer=None):
        self.tries = 0
        self._refusals = refusals
        self._answer = answer

    def listen(self, _factory):
        self.tries += 1
        return self._answer if self.tries > self._refusals else refused()


def refused():
    return fail(CannotListenError(None, "a.sock", OSError("taken")))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def listener(clock):
    """Return a listener on an endpoint."""

    def make(endpoint, text="unix:a.sock"):
        factory = Factory.forProtocol(Protocol)
        return Listener(endpoint, factory, new_hub(clock), text=text, purpose="vdi")

    return make


def test_it_listens_at_once_and_stops_its_port(listener, clock, log):
    port = Port()
    one = listener(Endpoint(answer=succeed(port)))
    one.start()
    assert not one.failed
    assert log.of("listening for") == ["demo: listening for vdi on unix:a.sock"]
    assert one.stop().called
    assert port.stopped == 1


def test_it_tries_again_later_and_later_but_logs_the_reason_once(listener, clock, log):
    endpoint = Endpoint(refusals=100)
    one = listener(endpoint)
    one.start()
    assert one.failed
    waited = []
    for _ in range(8):
        before, start = endpoint.tries, clock.seconds()
        while endpoint.tries == before:
            clock.advance(0.01)
        waited.append(clock.seconds() - start)
    assert 0.1 <= waited[0] <= 0.17
    assert waited[0] < waited[2] < waited[4]
    assert max(waited) <= 5.02
    assert log.of("cannot listen") == [
        "demo: cannot listen for vdi on unix:a.sock: taken; trying again"
    ]
    one.stop()


def test_it_listens_when_a_later_try_succeeds(listener, clock, log):
    endpoint = Endpoint(2, succeed(Port()))
    one = listener(endpoint)
    one.start()
    clock.pump([0.2, 0.4])
    assert not one.failed
    assert log.of("listening for vdi on")
    clock.pump([5.0] * 4)
    assert endpoint.tries == 3


def test_it_does_not_try_once_it_is_stopped(listener, clock):
    endpoint = Endpoint(refusals=100)
    one = listener(endpoint)
    one.start()
    assert one.stop().called
    clock.pump([5.0] * 4)
    assert endpoint.tries == 1


def test_a_port_that_comes_after_the_end_is_stopped(listener, log):
    pending, port = Deferred(), Port()
    one = listener(Endpoint(answer=pending))
    one.start()
    one.stop()
    pending.callback(port)
    assert port.stopped == 1
    assert not log.of("listening for vdi")


def test_an_error_that_comes_after_the_end_is_the_end(listener, clock):
    pending = Deferred()
    endpoint = Endpoint(answer=pending)
    one = listener(endpoint)
    one.start()
    one.stop()
    pending.errback(CannotListenError(None, "a.sock", OSError("taken")))
    clock.pump([5.0] * 4)
    assert endpoint.tries == 1


def test_it_is_stopped_when_its_port_is(listener):
    closing = Deferred()
    one = listener(Endpoint(answer=succeed(Port(closing))))
    one.start()
    stopped = one.stop()
    assert not stopped.called
    closing.callback(None)
    assert stopped.called


def test_it_may_be_stopped_twice(listener):
    port = Port()
    one = listener(Endpoint(answer=succeed(port)))
    one.start()
    one.stop()
    assert one.stop().called
    assert port.stopped == 1


def test_a_port_that_cannot_be_stopped_cleanly_is_logged(listener, log):
    one = listener(Endpoint(answer=succeed(Port(fail(OSError("gone"))))))
    one.start()
    assert one.stop().called
    assert log.of("clean up") == ["demo: could not clean up unix:a.sock: gone"]


@within(5)
async def test_a_socket_that_somebody_removed_is_no_trouble(
    tmp_path, reactor, listener, log
):
    path = tmp_path / "a.sock"
    one = listener(server_endpoint(reactor, f"unix:{path}"), f"unix:{path}")
    one.start()
    path.unlink()
    await one.stop()
    assert log.of("clean up") == []


@leaves_unbound_sockets
@within(5)
async def test_it_waits_for_its_folder(tmp_path, reactor, clock, listener, log):
    path = tmp_path / "later" / "a.sock"
    one = listener(server_endpoint(reactor, f"unix:{path}"), f"unix:{path}")
    one.start()
    assert one.failed
    (line,) = log.of("cannot listen")
    assert "No such file or directory" in line
    path.parent.mkdir()
    clock.advance(0.2)
    try:
        assert not one.failed
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
    finally:
        await one.stop()
    assert not path.exists()


@within(5)
async def test_it_waits_for_a_socket_that_somebody_serves(
    tmp_path, reactor, clock, listener, log
):
    path = tmp_path / "a.sock"
    one = listener(server_endpoint(reactor, f"unix:{path}"), f"unix:{path}")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        one.start()
        (line,) = log.of("cannot listen")
        assert line.endswith(f"another process serves {path}; trying again")
        assert one.failed
    clock.advance(0.2)
    try:
        await until(reactor, lambda: not one.failed)
    finally:
        await one.stop()


def test_an_endpoint_that_raises_is_tried_again(clock, listener, log):
    endpoint = Endpoint(answer=succeed(Port()))
    listen, endpoint.listen = endpoint.listen, None
    one = listener(endpoint)
    one.start()
    assert one.failed
    assert len(log.of("cannot listen")) == 1
    endpoint.listen = listen
    clock.advance(0.2)
    assert not one.failed
    one.stop()
