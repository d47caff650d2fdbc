"""One VM as a service: what it opens, what it survives, what it leaves."""

from __future__ import annotations

import socket
import time

import pytest
from twisted.internet.threads import deferToThread

from tests.peers.model_agent import ModelAgent
from tests.peers.rawclient import RawClient
from tests.support import leaves_unbound_sockets, served, until, within, write
from vdproxy.wire.messages import AnnounceCapabilities

#: Capabilities of a client that takes part.
CAPS = (0x66,)


@pytest.fixture
def ini(tmp_path, monkeypatch):
    """Write the lines of [vm:demo] and return the file; paths are relative to it."""
    monkeypatch.chdir(tmp_path)
    return lambda *lines: write(tmp_path, "\n".join(("[vm:demo]", *lines)) + "\n")


@within(10)
async def test_it_opens_every_endpoint_and_removes_them_at_the_end(
    ini, reactor, tmp_path
):
    path = ini("guest = simulated:", "clients =", "  vdi unix:a", "  vdi unix:b as ci")
    async with served(reactor, path) as (vm,):
        assert not vm.failed
        assert (tmp_path / "a").is_socket()
        assert (tmp_path / "b").is_socket()
        await until(reactor, lambda: vm.hub.guest.up)
    assert [entry.name for entry in tmp_path.iterdir()] == ["vm.ini"]
    assert vm.hub.guest.state == "down"


@within(10)
async def test_it_logs_what_it_listens_on_for_whom(ini, reactor, log):
    path = ini("guest-listen = unix:g", "clients = vdi unix:a:mode=600")
    async with served(reactor, path):
        assert log.of("listening") == [
            "demo: listening for vdi clients on unix:a:mode=600",
            "demo: listening for the guest on unix:g",
        ]


@within(10)
async def test_clients_are_let_go_at_the_end(ini, reactor, tmp_path):
    path = ini("guest = simulated:", "clients = vdi unix:a")
    client = None
    try:
        async with served(reactor, path) as (vm,):
            client = await deferToThread(RawClient.connect, tmp_path / "a")
            await deferToThread(client.expect, AnnounceCapabilities)
            assert len(vm.hub.clients) == 1
        assert await deferToThread(client.closed)
        assert vm.hub.clients == []
    finally:
        if client is not None:
            client.close()


@within(15)
async def test_it_comes_back_to_a_guest_that_was_away(ini, reactor, tmp_path):
    path = ini("guest = unix:g", "clients = vdi unix:a")
    async with served(reactor, path) as (vm,):
        assert vm.hub.guest.state == "down"
        agent = ModelAgent(tmp_path / "g", listen=True)
        try:
            await deferToThread(agent.accept)
            await until(reactor, lambda: vm.hub.guest.up)
            await deferToThread(agent.hang_up)
            left = time.monotonic()
            await until(reactor, lambda: not vm.hub.guest.up)
            await deferToThread(agent.accept)
            assert time.monotonic() - left > 0.03
            await until(reactor, lambda: vm.hub.guest.up)
        finally:
            await deferToThread(agent.close)


@within(10)
async def test_a_guest_may_connect_and_the_newest_replaces_the_older(
    ini, reactor, tmp_path, log
):
    path = ini("guest-listen = unix:g", "clients = vdi unix:a")
    async with served(reactor, path) as (vm,):
        first = ModelAgent(tmp_path / "g")
        second = None
        try:
            await until(reactor, lambda: vm.hub.guest.up)
            second = ModelAgent(tmp_path / "g")
            await until(reactor, lambda: log.of("a newer connection took its place"))
            await until(reactor, lambda: vm.hub.guest.up)
            await deferToThread(first.close)
            assert vm.hub.guest.up
        finally:
            await deferToThread(first.close)
            if second is not None:
                await deferToThread(second.close)


@within(10)
async def test_it_asks_qmp_until_it_stops(ini, reactor, tmp_path, log):
    with socket.socket(socket.AF_UNIX) as qemu:
        qemu.bind(str(tmp_path / "q"))
        qemu.listen()
        async with served(reactor, ini("guest-listen = unix:g", "qmp = unix:q")):
            monitor, _ = await deferToThread(qemu.accept)
            with monitor:
                await deferToThread(monitor.sendall, b'{"QMP": {}}\r\n')
                asked = await deferToThread(monitor.recv, 100)
                assert asked.startswith(b'{"execute": "qmp_capabilities"')
                await deferToThread(monitor.sendall, b"what?\r\n")
                await until(reactor, lambda: log.of("QMP unix:q: a line is no JSON"))
                assert await deferToThread(monitor.recv, 100) == b""
            again, _ = await deferToThread(qemu.accept)
        with again:
            assert await deferToThread(again.recv, 100) == b""


@leaves_unbound_sockets
@within(10)
async def test_a_socket_that_cannot_be_opened_stops_no_other(ini, reactor, tmp_path):
    path = ini("guest = simulated:", "clients =", "  vdi unix:no/a", "  vdi unix:b")
    async with served(reactor, path) as (vm,):
        assert not vm.failed
        with await deferToThread(RawClient.connect, tmp_path / "b") as client:
            await deferToThread(client.expect, AnnounceCapabilities)
        (tmp_path / "no").mkdir()
        await until(reactor, lambda: (tmp_path / "no" / "a").is_socket())


@leaves_unbound_sockets
@within(10)
async def test_it_has_failed_while_it_listens_for_no_client(ini, reactor, tmp_path):
    path = ini("guest-listen = unix:g", "clients =", "  vdi unix:no/a", "  vdi unix:x")
    (tmp_path / "x").write_text("in the way")
    async with served(reactor, path) as (vm,):
        assert vm.failed
        (tmp_path / "no").mkdir()
        await until(reactor, lambda: not vm.failed)


@within(10)
async def test_without_lines_for_clients_it_has_not_failed(ini, reactor):
    async with served(reactor, ini("guest = simulated:")) as (vm,):
        assert not vm.failed


@within(10)
async def test_a_socket_that_somebody_removed_leaves_nothing_behind(
    ini, reactor, tmp_path, log
):
    path = ini("guest = simulated:", "clients = vdi unix:a")
    async with served(reactor, path):
        (tmp_path / "a").unlink()
    assert log.of("could not") == []


@within(10)
async def test_the_socket_of_who_took_its_place_is_left_to_him(ini, reactor, tmp_path):
    path = ini("guest = simulated:", "clients = vdi unix:a")
    with socket.socket(socket.AF_UNIX) as other:
        async with served(reactor, path):
            (tmp_path / "a").unlink()
            other.bind(str(tmp_path / "a"))
            other.listen()
        assert (tmp_path / "a").is_socket()


@within(10)
async def test_handlers_are_given_their_options(ini, reactor, plugins):
    plugins.handler(
        "notes",
        "from dataclasses import dataclass\n"
        "from zope.interface import implementer\n"
        "from vdproxy.api import Handler, IMessageHandler\n"
        "@dataclass(frozen=True)\n"
        "class Options:\n"
        "    word: str\n"
        "@implementer(IMessageHandler)\n"
        "class Notes(Handler):\n"
        "    def start(self, vm):\n"
        "        self.seen = (vm.name, vm.options.word)\n"
        "def make(options):\n"
        "    return Notes()\n",
    )
    path = ini(
        "guest = simulated:", "handlers = notes", "[handler:notes]", "word = hello"
    )
    async with served(reactor, path) as (vm,):
        assert vm.hub.features.handlers[-1].seen == ("demo", "hello")


@within(10)
async def test_two_vms_are_separate(tmp_path, monkeypatch, reactor):
    monkeypatch.chdir(tmp_path)
    text = "".join(
        f"[vm:{name}]\nguest = simulated:\nclients = vdi unix:{name}\n"
        for name in ("one", "two")
    )
    async with served(reactor, write(tmp_path, text)) as (one, two):
        with await deferToThread(RawClient.connect, tmp_path / "one") as client:
            await deferToThread(client.expect, AnnounceCapabilities)
            assert (len(one.hub.clients), len(two.hub.clients)) == (1, 0)
        await until(reactor, lambda: not one.hub.clients)
