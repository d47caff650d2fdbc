"""Agents that are killed, also in the middle of something, and their successors."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.peers.programs import wait_for
from tests.peers.viewer import CLIPBOARD, NONE, TEXT, Viewer
from tests.real.guest import LAYOUTS, OFFER, Guest
from vdproxy.wire.constants import (
    FileXferStatusResult,
    MessageType,
    ReplyError,
    Selection,
)
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    FileXferStart,
    FileXferStatus,
    MonConfig,
    MonitorsConfig,
    Reply,
)

PRIMARY = Selection.VD_AGENT_CLIPBOARD_SELECTION_PRIMARY
CAN_SEND_DATA = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA
CANCELLED = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CANCELLED
SUCCESS = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_SUCCESS
REFUSED = Reply(MessageType.VD_AGENT_MONITORS_CONFIG, ReplyError.VD_AGENT_ERROR)

LARGE = 20_000_000

#: Within how many seconds whoever waits is to have an answer.
SECONDS = 3.0

BOTH_SELECTIONS = "[handler:clipboard]\nselections = clipboard, primary"


@pytest.fixture(params=["hidden", "seen"])
def guest(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Guest]:
    """A guest whose agent's end vdproxy sees, or does not as behind QEMU."""
    guest = Guest(tmp_path, BOTH_SELECTIONS, direct=request.param == "seen")
    yield guest
    guest.close()


def begin(viewer: Viewer, id: int) -> None:
    """Begin a transfer and leave it in the middle."""
    assert viewer.begin_file(id, f"file {id}", LARGE) == CAN_SEND_DATA
    viewer.send_file_data(id, bytes(LARGE // 200))


def begun(guest: Guest) -> int:
    """Return how many transfers vdproxy has begun."""
    return len(re.findall("file transfer of .* begins", guest.vdproxy.log))


def results(viewer: Viewer) -> set[tuple[int, int]]:
    """Return the transfers that have ended, and how."""
    ends = [s for s in viewer.messages(FileXferStatus) if s.result != CAN_SEND_DATA]
    assert len(ends) == len({s.id for s in ends}), "one answer each"
    return {(s.id, s.result) for s in ends}


def die(guest: Guest) -> float:
    """
    Kill the agent, start another one and return when whoever waited could be told.

    That is at once where the end is seen, and else when there is a new agent.
    """
    guest.agent.kill()
    killed = time.monotonic()
    if not guest.direct:
        guest.restart_agent()
        return time.monotonic()
    return killed


@pytest.mark.parametrize("hanging", ["session", "daemon"])
def test_all_who_wait_for_an_agent_that_hangs_and_dies_are_answered(
    guest: Guest, hanging: str
):
    """H2, H38."""
    guest.agent.copy("of the guest", "primary")
    with (
        guest.viewer() as one,
        guest.viewer(LAYOUTS["selection"]) as two,
        guest.viewer() as owner,
    ):
        assert two.expect_grab() == (PRIMARY, (TEXT,))
        owner.copy(b"of a client")
        guest.wait_until_offered()
        for viewer in (one, two):
            for id in (1, 2):
                begin(viewer, id)
        with guest.agent.paused(daemon=hanging == "daemon"):
            for viewer in (one, two):
                viewer.send(ClipboardRequest(PRIMARY, TEXT))
                if hanging == "daemon":
                    viewer.send(MonitorsConfig(0, (MonConfig(800, 600),)))
                viewer.send(FileXferStart(3, "waits", 1))
            wait_for(
                lambda: begun(guest) == 6, 5, "six files", lambda: guest.vdproxy.log
            )
            assert results(one) == set()
            until = die(guest) + SECONDS
        cancelled = {(id, CANCELLED) for id in (1, 2, 3)}
        for viewer in (one, two):
            wait_for(
                lambda viewer=viewer: results(viewer) == cancelled,
                max(0, until - time.monotonic()),
                "end of all transfers",
                lambda viewer=viewer: f"{results(viewer)}",
            )
            answer = viewer.expect(Clipboard, max(0, until - time.monotonic()))
            assert answer == Clipboard(PRIMARY, NONE, b"")
            if hanging == "daemon":
                assert viewer.expect(Reply, max(0, until - time.monotonic())) == REFUSED
            assert viewer.expect(ClipboardRelease).selection == PRIMARY
        if guest.direct:
            guest.restart_agent()
        guest.wait_until_offered()
        assert guest.agent.paste() == "of a client"
        one.skip(FileXferStatus)
        assert one.send_file(1, "again", b"whole") == SUCCESS
        for viewer in (one, two):
            assert len(viewer.messages(Clipboard)) == 1
            assert viewer.messages(AnnounceCapabilities) == []
        assert owner.messages(Clipboard) == []
        assert one.messages(ClipboardGrab)[-1].types == (TEXT,)


def test_a_session_agent_that_ends_leaves_nobody_waiting(guest: Guest):
    """H35."""
    guest.agent.copy("of the guest", "primary")
    with guest.viewer() as one, guest.viewer() as owner:
        assert one.expect_grab() == (PRIMARY, (TEXT,))
        owner.copy(b"of a client")
        guest.wait_until_offered()
        begin(one, 1)
        before = guest.times_up()
        with guest.agent.paused():
            one.send(ClipboardRequest(PRIMARY, TEXT))
            one.send(FileXferStart(2, "waits", 1))
            wait_for(lambda: begun(guest) == 2, 5, "two files")
            guest.agent.kill_session()
        until = time.monotonic() + SECONDS
        both = {(1, CANCELLED), (2, CANCELLED)}
        wait_for(lambda: results(one) == both, SECONDS, "end of both transfers")
        answer = one.expect(Clipboard, max(0, until - time.monotonic()))
        assert answer == Clipboard(PRIMARY, NONE, b"")
        assert one.expect(ClipboardRelease).selection == PRIMARY
        guest.agent.start_session()
        guest.wait_until_up(before + 1)
        guest.wait_until_offered()
        assert guest.agent.paste() == "of a client"
        assert results(one) == both


def test_a_paste_from_an_agent_that_dies_in_the_middle_of_it_ends(guest: Guest):
    """H30."""
    text = "0123456789" * (LARGE // 10)
    guest.agent.copy(text)
    with guest.viewer() as viewer, ThreadPoolExecutor() as pool:
        assert viewer.expect_grab() == (CLIPBOARD, (TEXT,))
        if guest.direct:
            paste = pool.submit(viewer.paste)
            guest.agent.kill()
        else:
            guest.relay.cut_after(LARGE // 2)
            before = guest.relay.bytes_to_host
            paste = pool.submit(viewer.paste)
            wait_for(
                lambda: guest.relay.bytes_to_host == before + LARGE // 2, 10, "the cut"
            )
            guest.agent.kill()
        guest.restart_agent()
        assert paste.result(SECONDS).type == NONE
        assert viewer.expect(ClipboardRelease).selection == CLIPBOARD
        guest.agent.copy("anew")
        assert viewer.expect_grab() == (CLIPBOARD, (TEXT,))
        assert viewer.paste().data == b"anew"


@pytest.mark.parametrize(
    ("guest", "size"),
    [("seen", 0), ("seen", LARGE // 4)],
    indirect=["guest"],
)
def test_an_agent_that_dies_amid_a_file_leaves_nothing_to_the_next(
    guest: Guest, size: int
):
    """H31."""
    data = bytes(range(250)) * (LARGE // 250)
    part = guest.agent.files / "cut short"
    with guest.viewer() as sender, ThreadPoolExecutor() as pool:
        assert sender.begin_file(1, part.name, LARGE) == CAN_SEND_DATA
        if size:
            pushed = pool.submit(sender.send_file_data, 1, data)
            wait_for(lambda: part.stat().st_size >= size, 10, "a part of the file")
            guest.agent.kill()
        else:
            with guest.agent.paused(daemon=True):
                pushed = pool.submit(sender.send_file_data, 1, data)
                guest.agent.kill()
        guest.restart_agent()
        assert sender.file_result(1, SECONDS) == CANCELLED
        pushed.result(10)
        assert sender.send_file(1, "whole", data) == SUCCESS
        assert (guest.agent.files / "whole").read_bytes() == data


def test_an_agent_that_dies_while_its_guest_pastes_leaves_nothing_to_the_next(
    guest: Guest,
):
    """H31."""
    data = b"0123456789" * (2 * LARGE // 10)
    with guest.viewer() as owner, ThreadPoolExecutor() as pool:
        owner.copy(data)
        guest.wait_until_offered()
        # xclip would wait for the rest for ever.
        paste = pool.submit(guest.agent.paste_as, "UTF8_STRING", seconds=2)
        owner.expect(ClipboardRequest)
        guest.agent.kill()
        assert paste.exception() is not None
        guest.restart_agent()
        guest.wait_until_offered()
        assert guest.agent.paste_as("UTF8_STRING", seconds=30) == data


def test_a_vdproxy_without_an_agent_serves_its_clients_when_there_is_one(guest: Guest):
    with guest.viewer() as one, guest.viewer(OFFER) as two:
        before = guest.times_up()
        guest.agent.kill()
        one.copy(b"meanwhile")
        if guest.direct:
            assert two.expect_grab() == (CLIPBOARD, (TEXT,))
            assert two.paste().data == b"meanwhile"
        guest.agent.start_daemon()
        guest.agent.start_session()
        guest.wait_until_up(before + 1)
        guest.wait_until_offered()
        assert guest.agent.paste() == "meanwhile"
