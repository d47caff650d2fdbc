"""A watch of a guest's port, the QEMU that it meets, and who is told."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from tests.net.connections import Endpoint, advance_until
from tests.net.model_qemu import ModelQEMU
from tests.support import new_hub
from vdproxy.net.port_watch import PortWatch


class News:
    """Writes down what it is told."""

    def __init__(self):
        self.told = []

    def port_opened(self):
        self.told.append("opened")

    def port_closed(self):
        self.told.append("closed")

    def vm_stopped(self):
        self.told.append("stopped")

    def vm_resumed(self):
        self.told.append("resumed")

    def taken(self):
        """Return what was told since this was last asked."""
        told, self.told = self.told, []
        return told


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def hub(clock):
    return new_hub(clock)


@pytest.fixture
def endpoint(clock):
    return Endpoint(clock)


@pytest.fixture
def news():
    return News()


@pytest.fixture
def watch(hub, endpoint, news):
    return PortWatch(hub, endpoint, "unix:qmp.sock", news)


@pytest.fixture
def connect(watch, endpoint, clock):
    """Have the watch connected, at first or again; return the QEMU it has met."""

    def connect():
        known = len(endpoint.opened)
        if known:
            advance_until(clock, lambda: len(endpoint.opened) > known)
        else:
            watch.start()
        return ModelQEMU(*endpoint.opened[-1])

    return connect


@pytest.fixture
def qemu(connect, news):
    """A QEMU whose port is open, and of which all is known."""
    qemu = connect()
    qemu.open = True
    qemu.greet()
    qemu.serve()
    assert news.taken() == []
    return qemu
