"""The process: all VMs, of which one does not stop another."""

from __future__ import annotations

from functools import partial

import pytest
from twisted.internet.defer import maybeDeferred

from tests.support import leaves_unbound_sockets, settled, until, within, write
from vdproxy.errors import VdproxyError
from vdproxy.service.proxy import NothingServed, ProxyService
from vdproxy.service.settings import load


@pytest.fixture
def proxy(tmp_path, monkeypatch, reactor):
    """Return the service for a configuration, and its VMs."""
    monkeypatch.chdir(tmp_path)

    def make(text):
        read = partial(load, [write(tmp_path, text)], reactor)
        service = ProxyService(read(), read, reactor)
        return service, service.vms

    return make


def vm(name, endpoint, guest="simulated:"):
    return f"[vm:{name}]\nguest = {guest}\nclients = vdi unix:{endpoint}\n"


async def stop(service, reactor):
    await maybeDeferred(service.stopService)
    await settled(reactor)


@within(10)
async def test_all_vms_are_started_and_stopped(proxy, reactor, tmp_path):
    service, vms = proxy(vm("one", "a") + vm("two", "b"))
    service.startService()
    try:
        assert all(one.running for one in vms)
        assert (tmp_path / "a").is_socket()
        assert (tmp_path / "b").is_socket()
    finally:
        await stop(service, reactor)
    assert not any(one.running for one in vms)
    assert [entry.name for entry in tmp_path.iterdir()] == ["vm.ini"]


@within(10)
async def test_what_has_no_effect_is_a_log_line_each(proxy, reactor, log, tmp_path):
    service, _ = proxy(vm("one", "a") + "[vdproxy]\nmetrics = unix:m\n")
    service.startService()
    try:
        place = f"{tmp_path / 'vm.ini'}: [vdproxy]"
        assert log.of("without effect") == [
            f"{place} metrics: not in this version, without effect",
        ]
    finally:
        await stop(service, reactor)


@leaves_unbound_sockets
@within(10)
async def test_a_vm_that_cannot_listen_does_not_stop_another(
    proxy, reactor, tmp_path, log
):
    service, (one, two) = proxy(vm("one", "no/a") + vm("two", "b"))
    service.startService()
    try:
        assert (one.failed, two.failed) == (True, False)
        await until(reactor, lambda: two.hub.guest.up)
        (line,) = log.of("cannot listen")
        assert line.startswith("one: cannot listen for vdi clients on unix:no/a: ")
    finally:
        await stop(service, reactor)


@within(10)
async def test_a_vm_that_cannot_connect_does_not_stop_another(proxy, reactor, log):
    service, (one, two) = proxy(vm("one", "a", guest="unix:no/g") + vm("two", "b"))
    service.startService()
    try:
        await until(reactor, lambda: two.hub.guest.up)
        assert one.hub.guest.state == "down"
        (line,) = log.of("cannot connect")
        assert line.startswith("one: cannot connect to the guest's port unix:no/g: ")
    finally:
        await stop(service, reactor)


@leaves_unbound_sockets
@within(10)
async def test_no_vm_that_can_listen_is_the_end(proxy, reactor):
    service, _ = proxy(vm("one", "no/a") + vm("two", "no/b"))
    with pytest.raises(NothingServed) as raised:
        service.startService()
    assert raised.value.code == "vdproxy: no VM can listen for clients; see the log"
    await stop(service, reactor)


def test_the_end_is_an_exit_for_python_and_an_exception_for_twistd():
    assert issubclass(NothingServed, SystemExit)
    assert issubclass(NothingServed, VdproxyError)
