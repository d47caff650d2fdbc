"""The user at the other end of a socket."""

from __future__ import annotations

import os
import socket

import pytest

from vdproxy.frontends.credentials import peer_uid


class Transport:
    def __init__(self, handle):
        self._handle = handle

    def getHandle(self):  # noqa: N802 - Twisted's name
        return self._handle


def test_the_user_of_a_unix_socket_is_known():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peer_uid(Transport(ours)) == os.getuid()


def test_it_is_the_user_who_connected_though_he_has_left_since():
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours:
        assert peer_uid(Transport(ours)) == os.getuid()


def test_a_tcp_socket_tells_no_user():
    with socket.socket() as handle:
        assert peer_uid(Transport(handle)) is None


@pytest.mark.parametrize("transport", [object(), Transport(None), Transport("x")])
def test_a_transport_without_a_socket_tells_no_user(transport):
    assert peer_uid(transport) is None
