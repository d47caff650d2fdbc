"""The connection to a guest's port: made and made again, or waited for."""

from __future__ import annotations

import struct

import pytest
from twisted.internet.endpoints import TCP4ClientEndpoint, UNIXClientEndpoint
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from tests.net.connections import Endpoint, advance_until, open_one
from tests.support import new_hub
from vdproxy.net.guest import GuestConnector, GuestPort

#: How an announcement in one chunk begins, before its request and capabilities.
ANNOUNCEMENT = struct.pack("<IIIIQI", 1, 28, 1, 6, 0, 8)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def hub(clock):
    hub = new_hub(clock)
    hub.start()
    return hub


@pytest.fixture
def endpoint(clock):
    return Endpoint(clock)


@pytest.fixture
def connector(hub, endpoint):
    return GuestConnector(hub, endpoint, "unix:guest.sock")


def test_it_connects_at_once_and_asks_the_guest(connector, endpoint, hub, log):
    connector.start()
    assert hub.guest.state == "connected"
    assert endpoint.opened[0][1].value().startswith(ANNOUNCEMENT)
    assert log.of("connected to the guest's port") == [
        "demo: connected to the guest's port"
    ]


def test_it_comes_back_after_a_loss_and_not_before_30_ms(
    connector, endpoint, hub, clock
):
    connector.start()
    clock.advance(10)
    lost = clock.seconds()
    endpoint.lose()
    assert hub.guest.state == "down"
    advance_until(clock, lambda: len(endpoint.times) == 2)
    assert 0.03 < endpoint.times[1] - lost <= 0.151
    assert hub.guest.state == "connected"
    assert endpoint.opened[1][1].value().startswith(ANNOUNCEMENT)


def test_a_connection_over_which_nothing_came_is_a_failed_try(
    connector, endpoint, clock
):
    connector.start()
    for tries in range(2, 9):
        endpoint.lose()
        advance_until(clock, lambda tries=tries: len(endpoint.times) == tries)
    waited = [b - a for a, b in zip(endpoint.times, endpoint.times[1:], strict=False)]
    assert waited[0] < waited[2] < waited[4]
    assert max(waited) <= 5.001


def test_a_byte_from_the_guest_makes_the_next_wait_short_again(
    connector, endpoint, clock
):
    endpoint.errors = [ConnectError(string="no")] * 6
    connector.start()
    advance_until(clock, lambda: endpoint.opened, 30.0)
    endpoint.opened[0][0].dataReceived(b"\x01")
    tries, lost = len(endpoint.times), clock.seconds()
    endpoint.lose()
    advance_until(clock, lambda: len(endpoint.times) > tries)
    assert endpoint.times[-1] - lost <= 0.151


def test_a_reason_is_logged_once_while_it_lasts(connector, endpoint, clock, log):
    endpoint.errors = [
        *[ConnectError(string="no such file")] * 3,
        *[ConnectError(string="refused")] * 2,
    ]
    connector.start()
    advance_until(clock, lambda: endpoint.opened, 30.0)
    lines = log.of("cannot connect")
    assert len(lines) == 2
    assert lines[0].startswith(
        "demo: cannot connect to the guest's port unix:guest.sock: "
    )
    assert "no such file" in lines[0]
    assert "refused" in lines[1]
    assert all(line.endswith("; trying again") for line in lines)


def test_a_reason_is_logged_anew_after_a_success(connector, endpoint, clock, log):
    endpoint.errors = [ConnectError(string="refused")]
    connector.start()
    advance_until(clock, lambda: endpoint.opened)
    endpoint.errors = [ConnectError(string="refused")]
    endpoint.lose()
    advance_until(clock, lambda: len(endpoint.opened) == 2)
    assert len(log.of("cannot connect")) == 2


def test_the_end_of_a_connection_is_logged_with_its_reason(connector, endpoint, log):
    connector.start()
    endpoint.lose()
    (line,) = log.of("the connection to the guest's port has ended")
    assert line.startswith("demo: ")
    assert "cleanly" in line


def test_stopped_while_connected_it_disconnects_for_good(
    connector, endpoint, hub, clock
):
    connector.start()
    connector.stop()
    assert endpoint.opened[0][1].disconnected
    assert hub.guest.state == "down"
    clock.pump([5.0] * 4)
    assert len(endpoint.times) == 1


def test_stopped_while_waiting_it_waits_no_more(connector, endpoint, hub, clock):
    endpoint.errors = [ConnectError(string="no")]
    connector.start()
    connector.stop()
    clock.pump([5.0] * 4)
    assert len(endpoint.times) == 1
    hub.stop()
    assert clock.getDelayedCalls() == []


def test_stopped_while_connecting_it_cancels_and_says_nothing(
    connector, endpoint, clock, log
):
    endpoint.hang = True
    connector.start()
    connector.stop()
    assert endpoint.cancelled == 1
    clock.pump([5.0] * 4)
    assert len(endpoint.times) == 1
    assert log.of("cannot connect") == []


@pytest.mark.parametrize(
    "make",
    [
        lambda reactor: UNIXClientEndpoint(reactor, "guest.sock"),
        lambda reactor: TCP4ClientEndpoint(reactor, "192.0.2.1", 1),
    ],
)
def test_stopped_while_twisted_connects_it_does_not_call_that_a_failure(hub, make, log):
    connector = GuestConnector(hub, make(MemoryReactorClock()), "tcp:192.0.2.1:1")
    connector.start()
    connector.stop()
    assert log.of("cannot connect") == []


def test_nothing_is_scheduled_after_the_end(connector, endpoint, hub, clock):
    connector.start()
    endpoint.opened[0][0].dataReceived(b"\x01\0\0")
    connector.stop()
    hub.stop()
    assert clock.getDelayedCalls() == []


def test_the_newest_connection_takes_the_olders_place(hub):
    port = GuestPort(hub)
    _, first = open_one(port)
    second_protocol, second = open_one(port)
    assert first.disconnected
    assert not second.disconnected
    assert hub.guest.state == "connected"
    assert second.value().startswith(ANNOUNCEMENT)
    second_protocol.connectionLost(Failure(ConnectionDone()))
    assert hub.guest.state == "down"


def test_the_replaced_connection_is_heard_no_more(hub):
    port = GuestPort(hub)
    first_protocol = port.buildProtocol(None)
    first_protocol.makeConnection(StringTransport())
    second_protocol, second = open_one(port)
    answer = ANNOUNCEMENT + bytes(4) + b"\x06\0\0\0"
    first_protocol.dataReceived(answer)
    assert not hub.guest.up
    first_protocol.connectionLost(Failure(ConnectionDone()))
    assert hub.guest.state == "connected"
    assert not second.disconnected
    second_protocol.dataReceived(answer)
    assert hub.guest.up


def test_replacing_is_logged(hub, log):
    port = GuestPort(hub)
    open_one(port)
    open_one(port)
    (line,) = log.of("has ended")
    assert "a newer connection took its place" in line


def test_a_port_that_stops_ends_its_connection(hub, clock):
    port = GuestPort(hub)
    _, transport = open_one(port)
    port.stop()
    assert transport.disconnected
    assert hub.guest.state == "down"
    hub.stop()
    assert clock.getDelayedCalls() == []


def test_an_endpoint_that_raises_is_tried_again(connector, endpoint, clock, log):
    def out_of_descriptors(factory):
        raise OSError(24, "Too many open files")

    connect, endpoint.connect = endpoint.connect, out_of_descriptors
    connector.start()
    (line,) = log.of("cannot connect")
    assert "Too many open files" in line
    endpoint.connect = connect
    advance_until(clock, lambda: endpoint.opened)
    assert len(endpoint.opened) == 1
    connector.stop()


def test_a_connection_that_is_not_the_present_one_brings_on_no_more_tries(
    connector, endpoint, clock
):
    connector.start()
    stray = connector.buildProtocol(None)
    stray.connectionLost(Failure(ConnectionDone()))
    clock.advance(10)
    assert len(endpoint.times) == 1
    connector.stop()
