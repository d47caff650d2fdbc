"""The user at the other end of a socket."""

from __future__ import annotations

import errno
import os
import socket
import struct

import pytest

from vdproxy.frontends.credentials import Credentials, peer_credentials

OURS = Credentials(os.getuid(), frozenset((os.getgid(), *os.getgroups())))


class Transport:
    def __init__(self, handle):
        self._handle = handle

    def getHandle(self):  # noqa: N802 - Twisted's name
        return self._handle


def test_the_user_of_a_unix_socket_is_known():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peer_credentials(Transport(ours)) == OURS


def test_it_is_the_user_who_connected_though_he_has_left_since():
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours:
        assert peer_credentials(Transport(ours)) == OURS


def test_a_tcp_socket_tells_no_user():
    with socket.socket() as handle:
        assert peer_credentials(Transport(handle)) is None


@pytest.mark.parametrize("transport", [object(), Transport(None), Transport("x")])
def test_a_transport_without_a_socket_tells_no_user(transport):
    assert peer_credentials(transport) is None


class Recorded(socket.socket):
    """A socket of which another process' groups were recorded."""

    groups: bytes | None = None

    def getsockopt(self, level, option, size=0):
        if (level, option) != (socket.SOL_SOCKET, 59):
            return super().getsockopt(level, option, size)
        if self.groups is None:
            raise OSError(errno.ERANGE, "too many")
        return self.groups


@pytest.mark.parametrize(
    ("recorded", "gids"),
    [(struct.pack("=2I", 27, 4242), {27, 4242}), (b"", set()), (None, set())],
)
def test_the_group_and_all_others_are_known_if_they_are_not_too_many(recorded, gids):
    ours, theirs = socket.socketpair()
    with theirs, Recorded(fileno=ours.detach()) as handle:
        handle.groups = recorded
        _, known = peer_credentials(Transport(handle))
    assert known == gids | {os.getgid()}
