"""Clients wait while file descriptors run short, and are let in again."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.defer import succeed
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from tests.support import new_hub
from vdproxy.net import gate as module
from vdproxy.net.gate import Gate, GatedFactory
from vdproxy.net.listener import Listener


class Port:
    """A port that is read or not."""

    def __init__(self):
        self.reading = True

    def startReading(self):  # noqa: N802 - Twisted's name
        self.reading = True

    def stopReading(self):  # noqa: N802 - Twisted's name
        self.reading = False

    def stopListening(self):  # noqa: N802 - Twisted's name
        self.reading = False


class Table:
    """A table of file descriptors, with so many that are *free*."""

    def __init__(self):
        self.free = 100
        self.opened = 0

    def open(self, _value):
        if self.opened == self.free:
            raise OSError(24, "Too many open files")
        self.opened += 1
        return self.opened

    def close(self, _descriptor):
        self.opened -= 1


@pytest.fixture
def table(monkeypatch):
    table = Table()
    monkeypatch.setattr(module.os, "eventfd", table.open)
    monkeypatch.setattr(module.os, "close", table.close)
    yield table
    assert table.opened == 0, "the probe keeps descriptors"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def gate(clock):
    return Gate(clock)


@pytest.fixture
def ports(gate):
    ports = [Port(), Port()]
    for port in ports:
        gate.add(port)
    return ports


def reading(ports):
    return [port.reading for port in ports]


def test_clients_are_let_in_while_there_are_descriptors(gate, ports, table):
    table.free = 16
    assert gate.lets_in()
    assert reading(ports) == [True, True]


def test_the_one_that_leaves_too_few_is_the_last(gate, ports, table, log):
    table.free = 15
    assert gate.lets_in()
    assert reading(ports) == [False, False]
    assert not gate.lets_in()
    assert log.of("run short") == ["file descriptors run short: clients have to wait"]


def test_they_are_let_in_again_when_there_are_some_to_spare(
    gate, ports, table, clock, log
):
    table.free = 15
    gate.lets_in()
    for free in (15, 19):
        table.free = free
        clock.advance(1)
        assert reading(ports) == [False, False]
    table.free = 20
    clock.advance(1)
    assert reading(ports) == [True, True]
    assert gate.lets_in()
    assert len(log.of("let in")) == 1
    assert len(log.of("run short")) == 1


def test_a_port_that_comes_meanwhile_waits_too(gate, ports, table):
    table.free = 0
    gate.lets_in()
    late = Port()
    gate.add(late)
    assert not late.reading


def test_a_port_that_has_gone_is_left_alone(gate, ports, table, clock):
    table.free = 0
    gate.lets_in()
    gate.remove(ports[0])
    table.free = 100
    clock.advance(1)
    assert reading(ports) == [False, True]


def test_nothing_is_looked_for_when_all_ports_have_gone(gate, ports, table, clock):
    table.free = 0
    gate.lets_in()
    for port in ports:
        gate.remove(port)
    assert clock.getDelayedCalls() == []
    assert not gate.shut


def test_one_that_is_not_let_in_is_closed_and_costs_nothing(gate, ports, table):
    factory = GatedFactory(Factory.forProtocol(Protocol), gate)
    assert type(factory.buildProtocol(None)) is Protocol
    table.free = 0
    assert type(factory.buildProtocol(None)) is Protocol
    turned_away, transport = factory.buildProtocol(None), StringTransport()
    turned_away.makeConnection(transport)
    assert transport.disconnecting or transport.aborting


def test_a_factory_is_started_and_stopped_as_it_was(gate):
    inner = Factory.forProtocol(Protocol)
    inner.noisy = False
    factory = GatedFactory(inner, gate)
    factory.doStart()
    assert inner.numPorts == 1
    factory.doStop()
    assert inner.numPorts == 0


def test_a_listener_gives_its_port_to_the_gate_and_takes_it_back(gate, table, clock):
    class Endpoint:
        def listen(self, factory):
            self.factory = factory
            return succeed(port)

    port, endpoint = Port(), Endpoint()
    factory = Factory.forProtocol(Protocol)
    listener = Listener(
        endpoint, factory, new_hub(clock), text="x", purpose="vdi", gate=gate
    )
    listener.start()
    table.free = 0
    endpoint.factory.buildProtocol(None)
    assert not port.reading
    listener.stop()
    assert not gate.shut


def test_descriptors_are_really_counted():
    assert module._spare(16)
    before = len(list(Path("/proc/self/fd").iterdir()))
    module._spare(16)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
