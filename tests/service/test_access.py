"""Who is let in: allow-users and allow-groups."""

from __future__ import annotations

import grp
import os
import pwd

import pytest
from twisted.internet.threads import deferToThread

from tests.peers.rawclient import RawClient
from tests.service.guest import client
from tests.support import served, until, within, write
from vdproxy.hub.access import Access
from vdproxy.service.settings import load

USER, GROUP = os.getuid(), os.getgid()
OTHER = 4_000_000
INI = "[vm:demo]\nguest = simulated:\nclients = vdi unix:a\n"


@pytest.fixture
def access(tmp_path, monkeypatch, reactor):
    """Return the access that lines of a VM come to."""
    monkeypatch.chdir(tmp_path)
    return lambda lines: load([write(tmp_path, INI + lines)], reactor).vms[0].access


def test_everybody_is_allowed_where_nobody_is_named(access):
    assert access("") == Access()
    assert access("").allows(OTHER, frozenset())
    assert access("").allows(None, frozenset())


def test_users_and_groups_are_names_or_numbers(access):
    user, group = pwd.getpwuid(USER).pw_name, grp.getgrgid(GROUP).gr_name
    assert access(f"allow-users = {user}, 77\nallow-groups = 88 {group}\n") == Access(
        frozenset([USER, 77]), frozenset([88, GROUP])
    )


def test_one_of_them_is_enough():
    access = Access(frozenset([1000]), frozenset([27]))
    assert access.allows(1000, frozenset([1000]))
    assert access.allows(OTHER, frozenset([100, 27]))
    assert not access.allows(OTHER, frozenset([100]))


@pytest.mark.parametrize("uid", [0, None])
def test_neither_root_nor_who_is_unknown_is_an_exception(uid):
    assert not Access(uids=frozenset([1000])).allows(uid, frozenset())
    assert not Access(gids=frozenset([27])).allows(uid, frozenset())


def test_names_that_nobody_has_are_errors(problems):
    assert problems(f"{INI}allow-users = nobdy-here\nallow-groups = no-such, 7\n") == [
        "vm.ini: [vm:demo] allow-users: nobody here is called nobdy-here",
        "vm.ini: [vm:demo] allow-groups: nobody here is called no-such",
    ]


def test_sockets_that_tell_no_user_are_noted(tmp_path, reactor):
    text = INI.replace("unix:a", "tcp:1234:interface=127.0.0.1") + "allow-users = 0\n"
    path = write(tmp_path, text)
    assert load([path], reactor).notes == (
        f"{path}: [vm:demo] clients: tcp:1234:interface=127.0.0.1 tells nothing of "
        "users: with allow-users or allow-groups it lets nobody in",
    )
    path = write(tmp_path, INI + "allow-users = 0\n")
    assert load([path], reactor).notes == ()


@pytest.mark.parametrize("line", ["allow-users = {0}", "allow-groups = {1}"])
@within(10)
async def test_who_is_named_is_let_in(tmp_path, monkeypatch, reactor, line):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, INI + line.format(USER, GROUP) + "\n")
    async with served(reactor, path) as (vm,):
        with await deferToThread(client, tmp_path / "a"):
            (inside,) = vm.hub.clients
            assert (inside.uid, GROUP in inside.gids) == (USER, True)
        await until(reactor, lambda: not vm.hub.clients)


@pytest.mark.parametrize("line", [f"allow-users = {OTHER}", f"allow-groups = {OTHER}"])
@within(10)
async def test_who_is_not_named_is_refused(tmp_path, monkeypatch, reactor, log, line):
    monkeypatch.chdir(tmp_path)
    async with served(reactor, write(tmp_path, INI + line + "\n")) as (vm,):
        with await deferToThread(RawClient.connect, tmp_path / "a") as stranger:
            assert await deferToThread(stranger.closed)
            assert stranger.others == []
        assert vm.hub.clients == []
        assert log.of("refused") == [
            f"demo: client of vdi refused: uid {USER} is not allowed"
        ]
