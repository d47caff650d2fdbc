"""Files of several clients at once into a real guest."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from tests.peers.programs import wait_for
from tests.peers.viewer import TEXT, Viewer
from tests.real.guest import LAYOUTS, OFFER, Guest
from vdproxy.wire.constants import FileXferStatusResult
from vdproxy.wire.messages import FileXferStatus

CAN_SEND_DATA = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA
CANCELLED = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CANCELLED
ERROR = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_ERROR
SUCCESS = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_SUCCESS

SIZE = 20_000_000


@pytest.fixture
def guest(shared_guest: Guest) -> Iterator[Guest]:
    """A guest that has no files, with an agent that hears of one client only."""
    yield shared_guest
    for file in shared_guest.agent.files.iterdir():
        file.unlink()
    assert shared_guest.agent.connections_logged == 1


def noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def names(guest: Guest) -> set[str]:
    return {file.name for file in guest.agent.files.iterdir()}


def told(viewer: Viewer) -> list[tuple[int, int]]:
    return [(s.id, s.result) for s in viewer.messages(FileXferStatus)]


def push_half_and_die(viewer: Viewer, id: int, name: str, data: bytes) -> None:
    assert viewer.begin_file(id, name, len(data)) == CAN_SEND_DATA
    viewer.send_file_data(id, data[: len(data) // 2])
    viewer.close()


def test_files_with_one_id_arrive_whole_while_a_third_client_is_killed(guest: Guest):
    """H5, H6, H8."""
    first, second, third = (noise(SIZE, seed) for seed in range(3))
    with (
        guest.viewer() as one,
        guest.viewer(LAYOUTS["plain"]) as two,
        guest.viewer() as doomed,
        ThreadPoolExecutor() as pool,
    ):
        results = [
            pool.submit(one.send_file, 1, "one.bin", first),
            pool.submit(two.send_file, 1, "two.bin", second),
        ]
        pool.submit(push_half_and_die, doomed, 1, "third.bin", third).result()
        assert [result.result() for result in results] == [SUCCESS, SUCCESS]
        wait_for(lambda: names(guest) == {"one.bin", "two.bin"}, 5, "two files")
        assert digest(guest.agent.files / "one.bin") == sha256(first).hexdigest()
        assert digest(guest.agent.files / "two.bin") == sha256(second).hexdigest()
        for viewer in (one, two):
            assert told(viewer) == [(1, CAN_SEND_DATA), (1, SUCCESS)]
        assert told(doomed) == [(1, CAN_SEND_DATA)]


def test_clients_that_come_and_go_do_not_disturb_a_transfer(guest: Guest):
    """H1, H21."""
    data = noise(SIZE, 3)
    middle = len(data) // 2
    with guest.viewer() as sender:
        assert sender.begin_file(7, "slow.bin", len(data)) == CAN_SEND_DATA
        sender.send_file_data(7, data[:middle])
        for caps in (OFFER, *LAYOUTS.values()):
            with guest.viewer(caps) as other:
                other.copy(b"from a client")
                guest.wait_until_offered()
                assert guest.agent.paste() == "from a client"
        guest.agent.copy("from the guest")
        with guest.viewer() as other:
            assert other.expect_grab()[1] == (TEXT,)
            assert other.paste().data == b"from the guest"
            assert other.messages(FileXferStatus) == []
        sender.send_file_data(7, data[middle:])
        assert sender.file_result(7) == SUCCESS
        assert digest(guest.agent.files / "slow.bin") == sha256(data).hexdigest()
        assert told(sender) == [(7, CAN_SEND_DATA), (7, SUCCESS)]
    guest.agent.stop_copying()


def test_a_cancelled_file_is_gone_and_its_id_is_free_at_once(guest: Guest):
    """H6, H7."""
    data = noise(1_000_000, 4)
    with guest.viewer() as sender, guest.viewer() as other:
        assert other.begin_file(1, "other.bin", len(data)) == CAN_SEND_DATA
        assert sender.begin_file(1, "given-up.bin", len(data)) == CAN_SEND_DATA
        sender.send_file_data(1, data[:500_000])
        sender.send(FileXferStatus(1, CANCELLED))
        assert sender.send_file(1, "instead.bin", data[::-1]) == SUCCESS
        # Late data of the first one would have gone into the second.
        other.send_file_data(1, data)
        assert other.file_result(1) == SUCCESS
        wait_for(lambda: names(guest) == {"other.bin", "instead.bin"}, 5, "two files")
        assert (guest.agent.files / "instead.bin").read_bytes() == data[::-1]
        assert (guest.agent.files / "other.bin").read_bytes() == data


def test_an_id_that_is_in_use_is_refused_and_its_transfer_goes_on(guest: Guest):
    """H5."""
    data = noise(100_000, 5)
    with guest.viewer() as sender:
        assert sender.begin_file(1, "first.bin", len(data)) == CAN_SEND_DATA
        assert sender.begin_file(1, "second.bin", len(data)) == ERROR
        sender.send_file_data(1, data)
        assert sender.file_result(1) == SUCCESS
        assert (guest.agent.files / "first.bin").read_bytes() == data
        assert names(guest) == {"first.bin"}


def test_many_files_of_one_client_and_one_name_are_all_kept(guest: Guest):
    """H5."""
    with guest.viewer() as one, guest.viewer() as two:
        for viewer, ids in ((one, (1, 2, 3)), (two, (1, 2))):
            for id in ids:
                assert viewer.begin_file(id, "same name.txt", 10) == CAN_SEND_DATA
        for viewer, ids in ((two, (2, 1)), (one, (3, 1, 2))):
            for id in ids:
                viewer.send_file_data(id, b"ten bytes%d" % id)
                assert viewer.file_result(id) == SUCCESS
        contents = sorted(file.read_bytes() for file in guest.agent.files.iterdir())
        assert contents == sorted(b"ten bytes%d" % id for id in (1, 2, 3, 1, 2))


def test_a_file_may_be_empty_and_have_any_letters_in_its_name(guest: Guest):
    name = "prix en \N{EURO SIGN} = 5; [x] \N{SNOWMAN}.txt"
    with guest.viewer() as sender:
        assert sender.send_file(1, name, b"") == SUCCESS
        assert (guest.agent.files / name).read_bytes() == b""


def test_a_client_that_sends_more_than_it_said_is_stopped(guest: Guest):
    with guest.viewer() as sender:
        assert sender.begin_file(1, "larger.bin", 1000) == CAN_SEND_DATA
        sender.send_file_data(1, bytes(1001))
        assert sender.file_result(1) == ERROR
        wait_for(lambda: names(guest) == set(), 5, "no file")
