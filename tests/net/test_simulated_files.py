"""Files that the simulated guest is sent: where they go and which it refuses."""

from __future__ import annotations

import pytest

from tests.net.host import Host
from vdproxy.net.simulated_agent import SimulatedAgent
from vdproxy.wire.constants import FileXferStatusResult, MessageType
from vdproxy.wire.messages import FileXferData, FileXferStart, FileXferStatus

GO = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA
DONE = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_SUCCESS
ERROR = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_ERROR
CANCELLED = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CANCELLED


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


@pytest.fixture
def host(folder):
    host = Host(SimulatedAgent(folder))
    yield host
    host.agent.end()


def start(host, name="a.bin", size=5, id=1):
    return host.say(FileXferStart(id, name, size))


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    "blocks",
    [
        [b""],
        [b"x"],
        [bytes(range(256))],
        [b"a" * 65536, b"b" * 65536, b"c"],
        [b"", b"late"],
        [b"\0" * 3000, b"\r\n\x1a" * 999],
    ],
)
def test_a_file_comes_whole_and_byte_for_byte(host, folder, blocks):
    content = b"".join(blocks)
    assert start(host, size=len(content)) == [FileXferStatus(1, GO)]
    *before, last = [host.say(FileXferData(1, block)) for block in blocks]
    assert all(answer == [] for answer in before)
    assert last == [FileXferStatus(1, DONE)]
    assert files(folder) == {"a.bin": content}
    assert host.agent.files == 1


def test_an_empty_file_is_done_after_its_one_empty_block(host, folder):
    assert start(host, size=0) == [FileXferStatus(1, GO)]
    assert host.agent.files == 0
    assert host.say(FileXferData(1, b"")) == [FileXferStatus(1, DONE)]
    assert files(folder) == {"a.bin": b""}


def test_two_files_may_come_at_once(host, folder):
    start(host, "a", 2, id=1)
    start(host, "b", 2, id=2)
    for id, block in ((1, b"a"), (2, b"b"), (2, b"B"), (1, b"A")):
        host.say(FileXferData(id, block))
    assert files(folder) == {"a": b"aA", "b": b"bB"}
    assert host.agent.files == 2


def test_without_a_folder_files_are_counted():
    host = Host(SimulatedAgent())
    assert start(host, "../x", 3) == [FileXferStatus(1, GO)]
    assert host.say(FileXferData(1, b"abc")) == [FileXferStatus(1, DONE)]
    assert host.agent.files == 1


@pytest.mark.parametrize(
    "name",
    ["../x", "a/b", "a\\b", "/x", "", ".", "..", "a/", "x\ny", "x\x1by", "n" * 300],
)
def test_a_name_that_is_none_is_refused(host, folder, tmp_path, name):
    assert start(host, name) == [FileXferStatus(1, ERROR)]
    assert host.say(FileXferData(1, b"hello")) == []
    assert files(folder) == {}
    assert [path.name for path in tmp_path.iterdir()] == ["files"]


@pytest.mark.parametrize("name", [".hidden", "..x", "a b", "ä", "-rf", "~"])
def test_an_unusual_name_is_a_name(host, folder, name):
    assert start(host, name, 0) == [FileXferStatus(1, GO)]
    host.say(FileXferData(1, b""))
    assert files(folder) == {name: b""}


def test_a_name_with_a_nul_makes_no_file(host, folder):
    text = b"\1\0\0\0[vdagent-file-xfer]\nname=a\0b\nsize=1\n\0"
    assert host.say_raw(MessageType.VD_AGENT_FILE_XFER_START, text) == []
    assert files(folder) == {}


def test_a_file_that_exists_is_left_alone(host, folder):
    (folder / "a.bin").write_bytes(b"old")
    assert start(host) == [FileXferStatus(1, ERROR)]
    assert host.say(FileXferData(1, b"hello")) == []
    assert files(folder) == {"a.bin": b"old"}


def test_a_link_to_elsewhere_is_not_followed(host, folder, tmp_path):
    (folder / "a.bin").symlink_to(tmp_path / "elsewhere")
    assert start(host) == [FileXferStatus(1, ERROR)]
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_has_gone_is_answered(host, folder):
    folder.rmdir()
    assert start(host) == [FileXferStatus(1, ERROR)]


def test_an_id_that_is_taken_is_refused(host, folder):
    start(host, "a", 2)
    assert start(host, "b", 2) == [FileXferStatus(1, ERROR)]
    assert "b" not in files(folder)


def test_too_many_bytes_are_an_error_and_no_file(host, folder):
    start(host, size=3)
    assert host.say(FileXferData(1, b"ab")) == []
    assert host.say(FileXferData(1, b"cd")) == [FileXferStatus(1, ERROR)]
    assert files(folder) == {}
    assert host.agent.files == 0


def test_after_an_error_further_bytes_are_not_answered(host):
    start(host, size=1)
    host.say(FileXferData(1, b"ab"))
    assert host.say(FileXferData(1, b"cd")) == []


def test_a_file_that_is_cancelled_is_removed(host, folder):
    start(host)
    host.say(FileXferData(1, b"he"))
    assert host.say(FileXferStatus(1, CANCELLED)) == []
    assert files(folder) == {}
    assert host.say(FileXferData(1, b"llo")) == []


def test_a_file_that_is_cancelled_can_be_sent_again(host, folder):
    start(host)
    host.say(FileXferStatus(1, CANCELLED))
    assert start(host) == [FileXferStatus(1, GO)]
    host.say(FileXferData(1, b"hello"))
    assert files(folder) == {"a.bin": b"hello"}


def test_a_whole_file_stays_whatever_is_said_of_it_later(host, folder):
    start(host)
    host.say(FileXferData(1, b"hello"))
    host.say(FileXferStatus(1, CANCELLED))
    assert files(folder) == {"a.bin": b"hello"}


@pytest.mark.parametrize("end", ["the connection ends", "the host begins anew"])
def test_what_is_unfinished_is_removed_when(host, folder, end):
    start(host)
    host.say(FileXferData(1, b"he"))
    if end == "the connection ends":
        host.agent.end()
    else:
        host.announce(1)
        host.announce(1)
    assert files(folder) == {}
    assert host.say(FileXferData(1, b"llo")) == []


def test_bytes_of_no_transfer_are_not_answered(host):
    assert host.say(FileXferData(9, b"x")) == []
