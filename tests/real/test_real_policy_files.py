"""Which files the clients of a real guest may send, each under its own policy."""

from __future__ import annotations

import random
from collections.abc import Iterator
from hashlib import sha256

import pytest

from tests.peers.viewer import Viewer
from tests.real.guest import LAYOUTS, Guest
from vdproxy.testing import SPICE_GTK
from vdproxy.wire.constants import Capability, FileXferStatusResult
from vdproxy.wire.messages import FileXferStart, FileXferStatus

CAN_SEND_DATA = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA
DISABLED = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_DISABLED
ERROR = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_ERROR
SUCCESS = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_SUCCESS

OPTIONS = """
filters = policy
[vm:real client:barred filter:policy]
files = no
[vm:real client:small filter:policy]
file-max = 1K
[vm:real client:texts filter:policy]
file-names = *.txt
"""
NAMES = ("barred", "small", "texts")

#: Within how many seconds a client is refused.
AT_ONCE = 1.0

each_layout = pytest.mark.parametrize(
    ("caps", "refusal"),
    [*((caps, ERROR) for caps in LAYOUTS.values()), (SPICE_GTK, DISABLED)],
    ids=[*LAYOUTS, "spice-gtk"],
)


@pytest.fixture(scope="module")
def ruled_guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    guest = Guest(tmp_path_factory.mktemp("guest"), OPTIONS, names=NAMES)
    yield guest
    guest.close()


@pytest.fixture
def guest(ruled_guest: Guest) -> Iterator[Guest]:
    """A guest that has no files."""
    yield ruled_guest
    for file in ruled_guest.agent.files.iterdir():
        file.unlink()


def result_of(viewer: Viewer, name: str, size: int) -> int:
    """Announce a file and return the answer, which must come at once."""
    viewer.send(FileXferStart(1, name, size))
    return viewer.file_result(1, AT_ONCE)


@each_layout
def test_files_that_are_refused_do_not_disturb_those_of_others(
    guest: Guest, caps, refusal: int
):
    data = random.Random(1).randbytes(2_000_000)
    middle = len(data) // 2
    with guest.viewer() as free:
        assert free.begin_file(1, "free.bin", len(data)) == CAN_SEND_DATA
        free.send_file_data(1, data[:middle])
        for client, name, size in (
            ("barred", "barred.txt", 1),
            ("small", "small.txt", 1025),
            ("texts", "texts.bin", 1),
        ):
            with guest.viewer(caps, client) as ruled:
                assert result_of(ruled, name, size) == refusal
                ruled.send_file_data(1, b"x")
                assert result_of(ruled, name, size) == refusal
                assert len(ruled.messages(FileXferStatus)) == 2
        free.send_file_data(1, data[middle:])
        assert free.file_result(1) == SUCCESS
        (file,) = guest.agent.files.iterdir()
        assert sha256(file.read_bytes()).digest() == sha256(data).digest()


@each_layout
def test_files_that_are_allowed_arrive(guest: Guest, caps, refusal: int):
    with guest.viewer(caps, "small") as small, guest.viewer(caps, "texts") as texts:
        assert small.send_file(1, "small.bin", b"s" * 1024) == SUCCESS
        assert texts.send_file(1, "LARGE.TXT", b"t" * 2000) == SUCCESS
    arrived = {file.name: file.read_bytes() for file in guest.agent.files.iterdir()}
    assert arrived == {"small.bin": b"s" * 1024, "LARGE.TXT": b"t" * 2000}


def test_a_file_does_not_become_larger_than_its_client_said(guest: Guest):
    with guest.viewer(name="small") as small:
        assert small.begin_file(1, "growing", 1024) == CAN_SEND_DATA
        small.send_file_data(1, bytes(1025))
        assert small.file_result(1) == ERROR
        assert small.send_file(2, "small", b"s") == SUCCESS
        assert [file.name for file in guest.agent.files.iterdir()] == ["small"]


def test_a_client_that_may_send_none_is_told_so_with_the_offer(guest: Guest):
    with guest.viewer(name="barred") as barred, guest.viewer(name="small") as small:
        assert Capability.VD_AGENT_CAP_FILE_XFER_DISABLED in barred.offer
        assert Capability.VD_AGENT_CAP_FILE_XFER_DISABLED not in small.offer
