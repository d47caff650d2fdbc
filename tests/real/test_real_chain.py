"""A vdproxy whose guest is another vdproxy, and clients at both."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.peers.daemon import Vdproxy
from tests.peers.programs import wait_for
from tests.peers.rawclient import RawClient
from tests.peers.viewer import CLIPBOARD, TEXT, Viewer
from tests.real.guest import LAYOUTS, OFFER, Guest, resize
from vdproxy.wire.constants import ClipboardType, FileXferStatusResult
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardRelease,
    FileXferStatus,
)

PNG = ClipboardType.VD_AGENT_CLIPBOARD_IMAGE_PNG
CAN_SEND_DATA = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA
CANCELLED = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CANCELLED
SUCCESS = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_SUCCESS


@pytest.fixture(scope="module")
def outer_path(
    shared_guest: Guest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The socket of the second vdproxy, which is a client of the first."""
    directory = tmp_path_factory.mktemp("outer")
    ini = f"""
[vm:outer]
guest = unix:{shared_guest.clients_path}
clients = vdi unix:{directory}/clients.sock
"""
    with Vdproxy(directory, ini) as vdproxy:
        wait_for(
            lambda: "agent is up" in vdproxy.log, 5, "handshake", lambda: vdproxy.log
        )
        yield directory / "clients.sock"


@pytest.fixture
def near(shared_guest: Guest) -> Iterator[list[Viewer]]:
    """Clients of the vdproxy that has the agent; behind them nothing is copied."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(shared_guest.viewer(caps))
            for caps in (OFFER, LAYOUTS["plain"])
        ]
    shared_guest.agent.stop_copying()
    shared_guest.wait_until_free()


@pytest.fixture
def far(near: list[Viewer], outer_path: Path) -> Iterator[list[Viewer]]:
    """Clients of the second vdproxy."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(Viewer(outer_path, caps))
            for caps in (OFFER, LAYOUTS["selection"])
        ]


def test_a_second_vdproxy_takes_the_first_for_an_agent(
    shared_guest: Guest, outer_path: Path
):
    with RawClient.connect(outer_path) as client:
        assert client.receive() == AnnounceCapabilities(1, OFFER.to_words())
        client.announce(0, OFFER)
        resize(client, 800, 600)
        wait_for(lambda: shared_guest.agent.screen_size() == (800, 600), 5, "size")
    assert shared_guest.agent.connections_logged == 1


def test_what_the_guest_copies_reaches_the_clients_of_both(
    shared_guest: Guest, near: list[Viewer], far: list[Viewer]
):
    """H14."""
    text = "far away \N{SNOWMAN}\n" * 100_000
    shared_guest.agent.copy(text)
    for viewer in (*near, *far):
        assert viewer.expect_grab() == (CLIPBOARD, (TEXT,))
    with ThreadPoolExecutor() as pool:
        for answer in pool.map(Viewer.paste, (*near, *far)):
            assert answer == Clipboard(CLIPBOARD, TEXT, text.encode())


def test_what_any_client_copies_reaches_guest_and_all_the_others(
    shared_guest: Guest, near: list[Viewer], far: list[Viewer]
):
    """H15, H18."""
    viewers = (*near, *far)
    for turn, owner in enumerate(viewers):
        data = f"copied by {turn} ".encode() * 50_000
        owner.copy(data)
        readers = [viewer for viewer in viewers if viewer is not owner]
        for reader in readers:
            assert reader.expect_grab(10) == (CLIPBOARD, (TEXT,))
            assert reader.paste().data == data
        shared_guest.wait_until_offered()
        wait_for(lambda data=data: paste(shared_guest) == data, 5, "it in the guest")
    for viewer in viewers:
        assert viewer.messages(ClipboardRelease) == []


def paste(guest: Guest) -> bytes:
    return guest.agent.paste_as("UTF8_STRING")


def test_an_image_passes_through_both(
    shared_guest: Guest, near: list[Viewer], far: list[Viewer]
):
    image = b"\x89PNG\r\n\x1a\n" + random.Random(7).randbytes(4_000_000)
    far[1].copy({PNG: image})
    shared_guest.wait_until_offered()
    assert shared_guest.agent.paste_as("image/png") == image
    for viewer in (*near, far[0]):
        assert viewer.paste(PNG).data == image


def test_files_of_clients_of_both_pass_at_once(
    shared_guest: Guest, near: list[Viewer], far: list[Viewer]
):
    """H5, H6."""
    files = {
        f"file {n}": random.Random(n).randbytes(5_000_000)
        for n, _ in enumerate((*near, *far))
    }
    with ThreadPoolExecutor() as pool:
        results = pool.map(
            lambda viewer, name: viewer.send_file(1, name, files[name]),
            (*near, *far),
            files,
        )
        assert list(results) == [SUCCESS] * 4
    for name, data in files.items():
        file = shared_guest.agent.files / name
        assert file.read_bytes() == data
        file.unlink()
    for viewer in (*near, *far):
        results = [status.result for status in viewer.messages(FileXferStatus)]
        assert results == [CAN_SEND_DATA, SUCCESS]


def test_a_far_client_that_is_killed_leaves_no_file(
    shared_guest: Guest, near: list[Viewer], far: list[Viewer]
):
    """H8."""
    doomed, other = far
    for viewer in (doomed, other):
        assert viewer.begin_file(1, "half", 5_000_000) == CAN_SEND_DATA
        viewer.send_file_data(1, bytes(1_000_000))
    doomed.close()
    other.send(FileXferStatus(1, CANCELLED))
    folder = shared_guest.agent.files
    wait_for(lambda: not list(folder.iterdir()), 5, "no file")
    assert near[0].send_file(1, "whole", b"data") == SUCCESS
    (folder / "whole").unlink()
    assert near[0].messages(FileXferStatus)[2:] == []
