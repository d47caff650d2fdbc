"""The named cases once more, through the sockets of one process."""

from __future__ import annotations

import re
import select
import socket

import pytest
from twisted.internet.task import Clock

from tests.hostile.room import Ear, answer, greet
from tests.hostile.runs import run
from tests.hostile.table import sent_by
from tests.peers.daemon import Vdproxy
from tests.peers.programs import wait_for
from vdproxy.testing import LINUX_AGENT, SPICE_GTK
from vdproxy.wire.chunk import CHUNK_HEADER
from vdproxy.wire.codec import Codec

#: How long vdproxy may take for anything, seconds.
_PATIENCE = 10.0

#: Lines about what comes and goes, which say nothing of a case.
_COMINGS = re.compile(r"client vdi#\d (connected|left)|the guest's agent is up")


def _connected(path):
    """Return a connection to *path*, None if it is not served yet."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_PATIENCE)
    try:
        connection.connect(str(path))
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    return connection


class SocketEar(Ear):
    """A model peer at the far end of a socket."""

    def __init__(self, path, capabilities):
        super().__init__(Codec(), capabilities, Clock())
        self._socket = wait_for(lambda: _connected(path), _PATIENCE, str(path))
        self._came = bytearray()
        self._is_let_go = False

    def feed(self, data):
        self.sent += len(data)
        self._socket.sendall(data)

    def next(self):
        self.listen()
        while not self._inbox and not self._is_let_go:
            self._read(_PATIENCE)
            self.listen()
        return super().next()

    @property
    def is_let_go(self):
        while not self._is_let_go:
            self._read(_PATIENCE)
        return True

    def leave(self):
        self._socket.close()

    def hears_no_more(self):
        self.listen()
        assert self._inbox == [], f"heard {self._inbox}"

    def _arrived(self):
        while not self._is_let_go and select.select([self._socket], [], [], 0)[0]:
            self._read(0)
        return super()._arrived()

    def _read(self, seconds):
        """Take in what comes, as far as its chunks are whole."""
        readable, _, _ = select.select([self._socket], [], [], seconds)
        assert readable or not seconds, f"nothing came in {seconds:g} s"
        try:
            data = self._socket.recv(65536)
        except ConnectionResetError:
            data = b""
        self._is_let_go = not data
        self._came += data
        while len(self._came) >= CHUNK_HEADER.size:
            _, size = CHUNK_HEADER.unpack_from(self._came)
            end = CHUNK_HEADER.size + size
            if len(self._came) < end:
                break
            self.transport.write(bytes(self._came[:end]))
            del self._came[:end]


class SocketRoom:
    """The VM of one case: its agent, which has come up, and two clients."""

    def __init__(self, folder, name, vdproxy):
        self._name = name
        self._vdproxy = vdproxy
        self._logged = 0
        self.agent = SocketEar(folder / f"{name}-guest", LINUX_AGENT)
        self.agent.hears_question()
        answer(self.agent)
        self.first = self._client(folder)
        self.other = self._client(folder)

    def _client(self, folder):
        client = SocketEar(folder / self._name, SPICE_GTK)
        greet(self, client)
        return client

    @property
    def everybody(self):
        return {"agent": self.agent, "first": self.first, "other": self.other}

    def lines(self):
        """Return what was logged of this VM since this was asked last."""
        lines = re.findall(rf"\] {self._name}: (.*)", self._vdproxy.log)
        lines = [line for line in lines if not _COMINGS.match(line)]
        new, self._logged = lines[self._logged :], len(lines)
        return new

    def settle(self):
        """What is due at once happens by itself."""

    def close(self):
        for end in self.everybody.values():
            end.leave()


@pytest.mark.parametrize("sender", ["client", "guest"])
def test_all_named_cases(tmp_path, sender):
    cases = {f"vm{n}": case for n, case in enumerate(sent_by(sender))}
    ini = "".join(
        f"[vm:{name}]\nguest-listen = unix:{name}-guest\nclients = vdi unix:{name}\n"
        for name in cases
    )
    with Vdproxy(tmp_path, ini) as vdproxy:
        for name, case in cases.items():
            room = SocketRoom(tmp_path, name, vdproxy)
            try:
                run(room, case, sender, "whole")
            except AssertionError as error:
                raise AssertionError(f"{case.name}: {error}") from error
            finally:
                room.close()
        log = vdproxy.log
    assert "Traceback" not in log
    assert "failed" not in log
