"""Published holes of spice-vdagent, tried on vdproxy: one function for a number."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
from contextlib import closing

import pytest

from tests.hostile.room import (
    CAN_SEND_DATA,
    CANCELLED,
    ERROR,
    SUCCESS,
    Room,
    round_trip,
    send_file,
)
from tests.hostile.stages import others_file_runs
from tests.net.host import Host
from tests.test_layers import MODULES, imports
from tests.wire.decoding import chunk, frame, message
from tests.wire.reading import traced
from vdproxy.errors import Refused
from vdproxy.frontends.credentials import peer_credentials
from vdproxy.net.simulated_agent import SimulatedAgent
from vdproxy.wire.messages import (
    STANDARD,
    ClipboardGrab,
    FileXferData,
    FileXferStart,
    FileXferStatus,
)

START, STATUS = 10, 11

#: Transfers that one client may have running.
MAX_RUNNING = 32


@pytest.fixture
def room():
    with closing(Room()) as made:
        yield made


def imported():
    """Return the top-level names of all modules that vdproxy imports."""
    names = {n for _, tree in MODULES for n in imports(tree, at_run_time=False)}
    return {name.split(".")[0] for name in names}


def blocks_kept(flood):
    """Return how many blocks of memory more there are after a flood."""
    before = sys.getallocatedblocks()
    flood()
    return sys.getallocatedblocks() - before


def test_cve_2020_25650_status_ids(room):
    """
    vdagentd kept each id of which a STATUS told, without end.

    A STATUS of a file that its client does not send leaves nothing behind, be it one
    of a million.
    """
    frames = b"".join(
        frame_head + struct.pack("<II", id, CAN_SEND_DATA)
        for frame_head in [frame(STATUS, bytes(8))[:-8]]
        for id in range(10**6)
    )
    room.lines()
    assert blocks_kept(lambda: room.first.flood(frames)) < 10_000
    assert room.lines() == []
    round_trip(room, room.other)


def test_cve_2020_25650_starts(room):
    """
    vdagentd kept each file that was begun, without end.

    Of a client's files 32 run at a time. The others are refused, which is logged ten
    times, and another client may still send its own.
    """
    text = b"[vdagent-file-xfer]\nname=a\nsize=1\n\0"
    frames = b"".join(
        frame_head + struct.pack("<I", id) + text
        for frame_head in [frame(START, bytes(4) + text)[: -4 - len(text)]]
        for id in range(10**5)
    )
    room.lines()
    assert blocks_kept(lambda: room.first.flood(frames)) < 10_000
    assert 2 * 10 <= len(room.lines()) <= 40
    for id in range(1, MAX_RUNNING + 1):
        room.agent.hears(FileXferStart(id, "a", 1))
    room.agent.hears_no_more()
    send_file(room, room.other)


def test_cve_2020_25651(room):
    """
    Whoever told vdagentd a STATUS of another user's file received it, or ended it.

    An id is looked for among its sender's own files: another client's go on.
    """
    others_file_runs(room)
    for id in range(64):
        for result in (CAN_SEND_DATA, CANCELLED, ERROR, SUCCESS):
            room.first.say(FileXferStatus(id, result))
        room.first.say(FileXferData(id, b"forged"))
    room.agent.hears_no_more()
    room.first.hears_no_more()
    room.other.say(FileXferData(9, b"ten honest"))
    room.agent.hears(FileXferData(1, b"ten honest"))
    room.agent.say(FileXferStatus(1, SUCCESS))
    room.other.hears(FileXferStatus(9, SUCCESS))
    room.first.hears_no_more()


def test_cve_2020_25652(room):
    """
    vdagentd took any number of connections, until it had no descriptors left.

    Of 1,020 that come and say nothing 16 are let in, those that were there before
    counted; nobody there notices, and there is room again when they leave.
    """
    idle = []
    for _ in range(1020):
        try:
            idle.append(room.vm.client())
        except Refused:
            break
    assert len(room.vm.hub.clients) == 16
    for _ in range(1000):
        with pytest.raises(Refused):
            room.vm.client()
    round_trip(room, room.other)
    idle[0].leave()
    assert room.vm.client().heard() == [ClipboardGrab(0, (1,))]


def test_cve_2020_25653(tmp_path):
    """
    vdagentd looked for the session of a peer's pid, which may be another's by then.

    The user is what the kernel recorded when its process connected. It is known of
    one that has ended since, and the pid is not told to anybody.
    """
    path = tmp_path / "s"
    connect = "import socket, sys; socket.socket(1).connect(sys.argv[1])"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with subprocess.Popen([sys.executable, "-c", connect, str(path)]) as process:
            pass
        ours, _ = listener.accept()
    with ours:
        with pytest.raises(ProcessLookupError):
            os.kill(process.pid, 0)
        credentials = peer_credentials(_Transport(ours))
    assert credentials is not None
    assert credentials.uid == os.getuid()
    assert set(credentials._fields) == {"uid", "gids"}


class _Transport:
    def __init__(self, handle):
        self._handle = handle

    def getHandle(self):  # noqa: N802 - Twisted's name
        return self._handle


@pytest.mark.parametrize(
    "name", ["$(touch here)", "`touch here`", "a;touch here", "-rf"]
)
def test_cve_2017_15108(room, tmp_path, name):
    """
    spice-vdagent handed the directory of files to a shell.

    vdproxy starts no program. What a shell would act on is a name like any other.
    """
    assert imported().isdisjoint({"subprocess", "pty", "multiprocessing", "popen2"})
    room.first.say(FileXferStart(1, name, 1))
    room.agent.hears(FileXferStart(1, name, 1))
    agent = SimulatedAgent(tmp_path)
    host = Host(agent)
    assert host.say(FileXferStart(1, name, 1)) == [FileXferStatus(1, CAN_SEND_DATA)]
    assert host.say(FileXferData(1, b"x")) == [FileXferStatus(1, SUCCESS)]
    assert [path.name for path in tmp_path.iterdir()] == [name]


#: The last sizes that there are: with the headers before them they come to little.
_HUGE = [2**32 - n for n in (1, 8, 16, 20, 28, 36)]


@pytest.mark.parametrize("message_class", STANDARD, ids=lambda c: c.__name__)
def test_cve_2026_57965(message_class):
    """
    The size of a message and of its header were added in 32 bits, which overflowed.

    A size is looked at before anything is stored, and none is near that.
    """
    for size in _HUGE:
        number = message_class.number
        data = chunk(message(number, bytes(100), size=size))
        with closing(Room()) as room, traced() as allocated:
            room.first.feed(data)
            room.agent.feed(data)
            assert allocated()[1] < 256 * 1024
            assert room.first.is_let_go
            line = f"message of type {number} with {size} bytes, more than"
            assert [line in logged for logged in room.lines()[-2:]] == [True] * 2
            room.other.hears_no_more()


@pytest.mark.parametrize(
    "name",
    [
        "../up",
        "../../../../tmp/up",
        "/tmp/up",
        "a/../../up",
        "a\\..\\up",
        "..",
        ".",
        "",
        "a\nb",
        "a\x1b[2J",
        "n" * 4096,
    ],
)
def test_cve_2026_57966(room, tmp_path, name):
    """
    spice-vdagent wrote a file whose name had a path in it where that led.

    Such a name is refused, and never told to an agent, nor stored by the simulated
    one.
    """
    room.first.say(FileXferStart(1, name, 1))
    room.first.hears(FileXferStatus(1, ERROR))
    room.agent.hears_no_more()
    folder = tmp_path / "in" / "here"
    folder.mkdir(parents=True)
    agent = SimulatedAgent(folder)
    (answer,) = Host(agent).say(FileXferStart(1, name, 1))
    assert answer == FileXferStatus(1, ERROR)
    stored = [path.parent for path in tmp_path.rglob("*") if path.is_file()]
    assert set(stored) <= {folder}
    agent.end()
