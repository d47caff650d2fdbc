"""A configuration that is read anew: what changed is changed, and nothing else."""

from __future__ import annotations

import gc
from functools import partial
from pathlib import Path

import pytest
from twisted.internet.defer import ensureDeferred
from twisted.internet.threads import deferToThread

from tests.peers.rawclient import RawClient
from tests.service.guest import client, port
from tests.support import settled, until, within, write
from vdproxy.service.proxy import ProxyService
from vdproxy.service.settings import load
from vdproxy.wire.messages import AnnounceCapabilities, ClipboardGrab

DEMO = "[vm:demo]\nguest = simulated:\n"
CLIENTS = "clients =\n  vdi unix:a\n  vdi unix:b as ci\n"
BAD = "the configuration stays as it was: the new one is bad"


class Served:
    """A process' service, of which the file can be changed."""

    def __init__(self, reactor, folder, text):
        self.reactor = reactor
        self.folder = folder
        write(folder, text)
        read = partial(load, ["vm.ini"], reactor)
        self.service = ProxyService(read(), read, reactor)

    async def __aenter__(self):
        self.service.startService()
        return self

    async def __aexit__(self, *exc_info):
        await self.service.stopService()
        await settled(self.reactor)

    @property
    def hubs(self):
        return {vm.hub.name: vm.hub for vm in self.service.vms}

    @property
    def hub(self):
        return self.hubs["demo"]

    async def reload(self, text):
        write(self.folder, text)
        await self.service.reload()

    async def client(self, name="a"):
        """Return a client that takes part, and the hub's side of it."""
        before = list(self.hub.clients)
        ours = await deferToThread(client, self.folder / name)
        await until(self.reactor, lambda: len(self.hub.clients) > len(before))
        (theirs,) = [c for c in self.hub.clients if c not in before]
        return ours, theirs


@pytest.fixture
def serving(tmp_path, monkeypatch, reactor):
    monkeypatch.chdir(tmp_path)
    return partial(Served, reactor, tmp_path)


@within(15)
async def test_the_same_file_changes_nothing(serving, log):
    async with serving(DEMO + CLIENTS) as served:
        ours, theirs = await served.client()
        with ours:
            hub, handlers = served.hub, served.hub.features.handlers
            log.events.clear()
            await served.reload(DEMO + CLIENTS)
            assert served.hub is hub
            assert hub.features.handlers == handlers
            assert hub.clients == [theirs]
            assert hub.guest.up
            assert log.of("demo:") == []
            assert log.of("read anew") == [
                "the configuration was read anew: serving demo"
            ]


@within(15)
async def test_a_vm_is_added_and_another_removed(serving, tmp_path):
    async with serving(DEMO + CLIENTS) as served:
        ours, _ = await served.client()
        with ours:
            await served.reload("[vm:two]\nguest = simulated:\nclients = vdi unix:c\n")
            assert list(served.hubs) == ["two"]
            assert await deferToThread(ours.closed)
        assert not (tmp_path / "a").exists()
        with await deferToThread(client, tmp_path / "c"):
            await until(served.reactor, lambda: served.hubs["two"].clients)


@within(15)
async def test_a_vm_may_take_over_anothers_socket(serving, tmp_path, log):
    async with serving(DEMO + CLIENTS) as served:
        await served.reload(DEMO.replace("demo", "two") + CLIENTS)
        assert log.of("cannot listen") == []
        with await deferToThread(client, tmp_path / "a"):
            await until(served.reactor, lambda: served.hubs["two"].clients)


@within(15)
async def test_a_line_of_clients_comes_and_goes_with_its_own(serving, tmp_path):
    async with serving(DEMO + CLIENTS) as served:
        stays, staying = await served.client("a")
        goes, _ = await served.client("b")
        with stays, goes:
            await served.reload(DEMO + "clients =\n  vdi unix:a\n  vdi unix:c\n")
            assert await deferToThread(goes.closed)
            await until(served.reactor, lambda: served.hub.clients == [staying])
            assert not (tmp_path / "b").exists()
            comes, _ = await served.client("c")
            comes.close()


@within(15)
async def test_the_guest_is_reconnected_to_only_if_it_is_elsewhere(serving, tmp_path):
    text = "[vm:demo]\nguest = unix:g\n" + CLIENTS
    with port(tmp_path / "g") as first, port(tmp_path / "h") as second:
        async with serving(text) as served:
            with await deferToThread(first.accept) as agent:
                ours, theirs = await served.client()
                await served.reload(text + "max-clients = 3\n")
                assert served.hub.guest.up
                assert first.idle()
                await served.reload(text.replace("unix:g", "unix:h"))
                assert await deferToThread(agent.closed)
            with await deferToThread(second.accept):
                await until(served.reactor, lambda: served.hub.guest.up)
                assert served.hub.clients == [theirs]
                ours.close()


@within(15)
async def test_a_guest_may_be_listened_for_instead(serving, tmp_path, reactor):
    async with serving(DEMO + CLIENTS) as served:
        await served.reload("[vm:demo]\nguest-listen = unix:g\n" + CLIENTS)
        assert served.hub.guest.state == "down"
        with await deferToThread(RawClient.connect, tmp_path / "g") as agent:
            await deferToThread(agent.expect, AnnounceCapabilities)
        await served.reload(DEMO + CLIENTS)
        await until(reactor, lambda: served.hub.guest.up)
        assert not (tmp_path / "g").exists()


@within(15)
async def test_limits_are_changed_in_place(serving):
    async with serving(DEMO + CLIENTS) as served:
        ours, theirs = await served.client()
        with ours:
            await served.reload(f"{DEMO}{CLIENTS}max-clients = 1\nmax-message = 1M\n")
            assert served.hub.clients == [theirs]
            assert served.hub.limits.max_message == 2**20
            with await deferToThread(RawClient.connect, served.folder / "a") as more:
                assert await deferToThread(more.closed)


@within(15)
async def test_a_plugin_is_replaced_if_its_options_changed(serving):
    async with serving(DEMO + CLIENTS + "filters = audit, policy\n") as served:
        hub = served.hub
        before = dict(zip(names(hub), hub.features.handlers, strict=True))
        audit, policy = hub._filters.seats
        await served.reload(
            f"{DEMO}{CLIENTS}filters = policy, audit\n"
            "[handler:clipboard]\nselections = primary\n[filter:policy]\nfiles = no\n"
        )
        after = dict(zip(names(hub), hub.features.handlers, strict=True))
        assert [n for n in before if before[n] is not after[n]] == ["clipboard"]
        assert hub._filters.seats[1] is audit
        assert hub._filters.seats[0].plugin is not policy.plugin


def names(hub):
    return [mount.name for mount in hub.features._mounts]


@within(15)
async def test_an_option_for_some_clients_is_one_of_the_plugin(serving):
    async with serving(DEMO + CLIENTS + "filters = policy\n") as served:
        (before,) = served.hub._filters.seats
        await served.reload(
            f"{DEMO}{CLIENTS}filters = policy\n"
            "[vm:demo client:ci filter:policy]\nfiles = no\n"
        )
        (after,) = served.hub._filters.seats
        assert after.plugin is not before.plugin


@within(15)
async def test_a_plugin_that_failed_is_made_anew(serving):
    async with serving(DEMO + CLIENTS + "filters = policy\n") as served:
        (seat,) = served.hub._filters.seats
        seat.bench("of this test")
        await served.reload(DEMO + CLIENTS + "filters = policy\n")
        (anew,) = served.hub._filters.seats
        assert anew.plugin is not seat.plugin
        assert not anew.benched


BAD_FILES = {
    "no ini": ("nonsense", "vm.ini: line 1 stands in no section"),
    "an unknown key": (f"{DEMO}max = 1\n", "vm.ini: [vm:demo] max: unknown key, "),
    "no VM": ("[vdproxy]\n", "vm.ini: no section [vm:NAME], nothing to serve"),
}


@pytest.mark.parametrize(("text", "problem"), BAD_FILES.values(), ids=BAD_FILES)
@within(15)
async def test_a_bad_file_is_said_and_changes_nothing(serving, log, text, problem):
    async with serving(DEMO + CLIENTS) as served:
        ours, theirs = await served.client()
        with ours:
            await served.reload(text)
            assert len(log.of(problem)) == 1
            assert log.of(BAD) == [BAD]
            assert served.hub.clients == [theirs]
            assert served.hub.guest.up
            assert "the configuration that was read last is bad" in (
                served.service.status
            )
            await served.reload(DEMO + CLIENTS)
            assert served.service.status == "serving demo"


@within(15)
async def test_a_file_that_cannot_be_read_changes_nothing(serving, log):
    async with serving(DEMO + CLIENTS) as served:
        Path("vm.ini").unlink()
        await served.service.reload()
        assert log.of("vm.ini: No such file or directory")
        assert list(served.hubs) == ["demo"]


@within(15)
async def test_a_plugin_that_cannot_be_made_changes_nothing(serving, plugins, log):
    module = plugins.handler(
        "moody",
        "from zope.interface import implementer\n"
        "from vdproxy.api import Handler, IMessageHandler\n"
        "made = []\n"
        "class Moody(Handler): pass\n"
        "implementer(IMessageHandler)(Moody)\n"
        "def make(options):\n"
        "    made.append(1)\n"
        "    assert len(made) < 2, 'no more'\n"
        "    return Moody()\n",
    )
    async with serving(DEMO + CLIENTS) as served:
        handlers = served.hub.features.handlers
        await served.reload(
            f"{DEMO}handlers = moody\n"
            "[vm:two]\nguest = simulated:\nclients = vdi unix:c\n"
        )
        assert log.of("AssertionError: no more"), module
        assert log.of(BAD) == [BAD]
        assert list(served.hubs) == ["demo"]
        assert served.hub.features.handlers == handlers


@within(15)
async def test_what_has_no_effect_is_said_again(serving, log):
    async with serving(DEMO + CLIENTS) as served:
        await served.reload(f"{DEMO}{CLIENTS}[vdproxy]\nmetrics = unix:m\n")
        assert len(log.of("metrics: not in this version")) == 1


@within(30)
async def test_a_hundred_reloads_leave_nothing_behind(serving, reactor):
    def text(number):
        return (
            f"{DEMO}clients =\n  vdi unix:a\n  vdi unix:c{number % 2}\n"
            "filters = audit, policy\n"
            f"[filter:policy]\nclipboard-max = {number + 1}\n"
            "[handler:clipboard]\n"
            f"share-between-clients = {('no', 'yes')[number % 2]}\n"
        )

    def objects():
        gc.collect()
        return len(gc.get_objects())

    def size():
        return (
            len(list(Path("/proc/self/fd").iterdir())),
            len(reactor.getDelayedCalls()),
            len(served.hub.features.handlers),
            len(served.hub._filters.seats),
        )

    async with serving(text(0)) as served:
        ours, theirs = await served.client()
        with ours:
            await deferToThread(ours.send, ClipboardGrab(0, (1,)))
            for number in range(1, 12):
                await served.reload(text(number))
            before, objects_before = size(), objects()
            for number in range(12, 112):
                await served.reload(text(number))
            assert size() <= before
            assert objects() - objects_before < 100, "more than one each time"
            assert served.hub.clients == [theirs]


@within(15)
async def test_a_reload_that_meets_the_end_starts_nothing(
    serving, tmp_path, reactor, log
):
    served = serving(DEMO + CLIENTS)
    served.service.startService()
    hub = served.hub
    options = "[handler:clipboard]\nselections = primary\n"
    write(tmp_path, f"{DEMO}clients = vdi unix:c\n{options}{DEMO.replace('demo', 'x')}")
    reloaded = ensureDeferred(served.service.reload())
    await served.service.stopService()
    await reloaded
    await settled(reactor)
    assert [path.name for path in tmp_path.iterdir()] == ["vm.ini"]
    assert hub.features.handlers == []
    assert log.of("read anew") == []
