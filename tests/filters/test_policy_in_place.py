"""Files, monitors, the mouse and offers under a policy, as their peers see it."""

from __future__ import annotations

import pytest

from tests.filters.ruled import CLIENTS, Ruled, all_heard
from vdproxy.api import (
    AnnounceCapabilities,
    Capabilities,
    FileXferData,
    FileXferStart,
    FileXferStatus,
    MonConfig,
    MonitorsConfig,
    MouseState,
    Reply,
)
from vdproxy.filters.policy import Options
from vdproxy.testing import LINUX_AGENT, SPICE_GTK, WINDOWS_AGENT, ModelVM

CAN_SEND_DATA, _, ERROR, SUCCESS = range(4)
DISABLED = 7

START = FileXferStart(5, "private.txt", 100)
MONITORS = MonitorsConfig(0, (MonConfig(1920, 1080),))

SHUT = Options(clipboard="none", files=False, monitors=False, mouse=False)

each_client = pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
each_agent = pytest.mark.parametrize(
    "agent", [LINUX_AGENT, WINDOWS_AGENT], ids=["linux", "win"]
)


def with_clients(client, agent=LINUX_AGENT, **options):
    """Return a VM, a client under these options, and one that may do everything."""
    vm = Ruled(agent, ruled=Options(**options))
    clients = vm.desk("ruled", client), vm.desk("free")
    vm.agent.heard()
    return vm, *clients


@each_client
@pytest.mark.parametrize(
    "options", [{"files": False}, {"file_max": 99}, {"file_names": ("*.pdf",)}]
)
def test_a_file_that_is_not_allowed_is_refused_at_once(client, options):
    """H37."""
    vm, ruled, free = with_clients(client, **options)
    ruled.say(START, FileXferData(5, bytes(100)))
    result = DISABLED if 14 in client else ERROR
    assert all_heard(vm.agent, ruled, free) == [[], [FileXferStatus(5, result)], []]


def test_other_clients_send_files_meanwhile():
    vm, ruled, free = with_clients(SPICE_GTK, files=False)
    free.say(START)
    (start,) = vm.agent.heard()
    vm.agent.say(FileXferStatus(start.id, CAN_SEND_DATA))
    ruled.say(START, FileXferData(5, b"ruled"))
    free.say(FileXferData(5, bytes(100)))
    vm.agent.say(FileXferStatus(start.id, SUCCESS))
    assert vm.agent.heard() == [FileXferData(start.id, bytes(100))]
    assert free.heard() == [
        FileXferStatus(5, CAN_SEND_DATA),
        FileXferStatus(5, SUCCESS),
    ]


def test_a_file_that_is_allowed_is_sent():
    vm, ruled, _ = with_clients(SPICE_GTK, file_max=100, file_names=("*.TXT",))
    ruled.say(START)
    (start,) = vm.agent.heard()
    assert (start.name, start.size) == (START.name, START.size)


def test_a_file_cannot_grow_over_what_was_allowed():
    vm, ruled, _ = with_clients(SPICE_GTK, file_max=100)
    ruled.say(START)
    (start,) = vm.agent.heard()
    vm.agent.say(FileXferStatus(start.id, CAN_SEND_DATA))
    ruled.say(FileXferData(5, bytes(60)), FileXferData(5, bytes(60)))
    sent = [m for m in vm.agent.heard() if isinstance(m, FileXferData)]
    assert sent == [FileXferData(start.id, bytes(60))]
    assert ruled.heard()[-1] == FileXferStatus(5, ERROR)


def test_the_log_does_not_name_the_file(log):
    _, ruled, _ = with_clients(SPICE_GTK, file_names=("*.pdf",))
    ruled.say(START)
    assert len(log.of("its name is not among file-names")) == 1
    assert "private" not in "".join(map(repr, log.events))


@each_client
def test_monitors_are_refused_with_a_reply(client):
    vm, ruled, free = with_clients(client, monitors=False)
    ruled.say(MONITORS)
    assert all_heard(vm.agent, ruled, free) == [[], [Reply(2, 2)], []]
    free.say(MONITORS)
    vm.agent.say(Reply(2, 1))
    assert all_heard(vm.agent, ruled, free) == [[MONITORS], [], [Reply(2, 1)]]


@each_client
def test_the_pointer_stays_where_another_client_moved_it(client):
    vm, ruled, free = with_clients(client, mouse=False)
    free.say(MouseState(1, 1, 0, 0))
    ruled.say(MouseState(9, 9, 2, 0))
    assert all_heard(vm.agent, ruled, free) == [[MouseState(1, 1, 0, 0)], [], []]


def offer(vm, name):
    """Return what a client of this name is offered."""
    (announce,) = vm.client(name=name, negotiated=False).heard()
    assert isinstance(announce, AnnounceCapabilities)
    return announce.capabilities


@each_agent
def test_a_client_that_may_do_nothing_is_offered_what_is_left(agent):
    """H37."""
    vm = Ruled(agent, shut=SHUT)
    plain = ModelVM()
    plain.agent.come_up(agent)
    taken = set(offer(plain, "")) - set(offer(vm, "shut"))
    assert taken == {0, 1, 3, 5, 6, 7, 8, 9, 10, 12, 16, 17} & set(offer(plain, ""))
    assert 13 in offer(vm, "shut")
    assert offer(vm, "free") == offer(plain, "")


@each_agent
def test_the_guest_is_offered_what_others_may_do(agent):
    vm, plain = Ruled(agent, shut=SHUT), ModelVM()
    plain.agent.come_up(agent)
    vm.client(name="shut")
    assert vm.agent.told == plain.agent.told


def test_an_agent_that_comes_anew_changes_nothing_of_that():
    vm = Ruled(shut=SHUT)
    shut = vm.desk("shut")
    vm.agent.start_anew(WINDOWS_AGENT)
    shut.heard()
    assert shut.told & Capabilities.of(0, 1, 3, 5, 6, 7, 9, 10, 12) == Capabilities()
    assert 13 in shut.told
