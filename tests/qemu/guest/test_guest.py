"""A real guest at work, and what befalls it, its agent and its QEMU."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.peers.viewer import CLIPBOARD, NONE, TEXT, Viewer
from tests.qemu.guest.proxied import ProxiedGuest, digest, noise, text
from tests.real.guest import ACCEPTED
from vdproxy.wire.constants import FileXferStatusResult
from vdproxy.wire.messages import (
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    MonConfig,
    MonitorsConfig,
    Reply,
)

CAN_SEND_DATA = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA
CANCELLED = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CANCELLED
SUCCESS = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_SUCCESS

MEGABYTE = 1_000_000
LARGE = 10 * MEGABYTE

#: How long vdproxy may take to be in step with a new agent that announces itself, and
#: to leave one that reads nothing, seconds.
STEP_SECONDS = 3.0
STALL_SECONDS = 35.0

#: How long a VM stands still here, seconds: for longer than an agent pauses.
STOP_SECONDS = 3.0

by_qmp = pytest.mark.parametrize("guest", ["by QMP"], indirect=True)
by_bytes = pytest.mark.parametrize("guest", ["by bytes"], indirect=True)


def check_service(guest: ProxiedGuest, viewer: Viewer) -> None:
    """Fail if the guest's clipboard or a file does not arrive whole."""
    viewer.skip(ClipboardGrab)
    guest.copy(30)
    assert viewer.expect_grab() == (CLIPBOARD, (TEXT,))
    assert viewer.paste().data == text(30)
    data = noise(MEGABYTE)
    assert viewer.send_file(2, "whole", data) == SUCCESS
    assert guest.file_digest("whole") == digest(data)


@by_qmp
def test_a_client_sizes_the_screen(guest: ProxiedGuest):
    with guest.viewer() as viewer:
        viewer.send(MonitorsConfig(0, (MonConfig(800, 600),)))
        assert viewer.expect(Reply) == ACCEPTED


@by_qmp
def test_clients_paste_what_the_guest_copies(guest: ProxiedGuest):
    with guest.viewer() as one, guest.viewer() as two:
        for size in (20, MEGABYTE):
            guest.copy(size)
            for viewer in (one, two):
                assert viewer.expect_grab() == (CLIPBOARD, (TEXT,))
                assert viewer.paste().data == text(size)


@by_qmp
def test_the_guest_pastes_what_a_client_copies(guest: ProxiedGuest):
    with guest.viewer() as viewer:
        for size in (20, MEGABYTE):
            viewer.copy(text(size))
            guest.wait_until_offered()
            assert guest.pasted_digest() == digest(text(size))


@by_qmp
def test_files_of_two_clients_arrive_whole(guest: ProxiedGuest):
    files = {"one": noise(3 * MEGABYTE), "two": noise(2 * MEGABYTE)}
    with guest.viewer() as one, guest.viewer() as two, ThreadPoolExecutor() as pool:
        sent = [
            pool.submit(viewer.send_file, 1, name, files[name])
            for viewer, name in ((one, "one"), (two, "two"))
        ]
        assert [file.result() for file in sent] == [SUCCESS, SUCCESS]
    for name, data in files.items():
        assert guest.file_digest(name) == digest(data)


def test_an_agent_killed_amid_a_clipboard_leaves_nobody_waiting(guest: ProxiedGuest):
    """H30."""
    guest.copy(LARGE)
    with guest.viewer() as viewer, ThreadPoolExecutor() as pool:
        assert viewer.expect_grab() == (CLIPBOARD, (TEXT,))
        guest.freeze_agent_after(MEGABYTE, count="wchar")
        paste = pool.submit(viewer.paste)
        guest.wait_until_frozen()
        guest.start_agent()
        assert paste.result(STEP_SECONDS) == Clipboard(CLIPBOARD, NONE, b"")
        assert viewer.expect(ClipboardRelease) == ClipboardRelease(CLIPBOARD)
        guest.wait_until_up(2)
        check_service(guest, viewer)


@by_qmp
def test_an_agent_killed_amid_a_file_leaves_nothing_to_the_next(guest: ProxiedGuest):
    """H31."""
    with guest.viewer() as viewer, ThreadPoolExecutor() as pool:
        assert viewer.begin_file(1, "cut short", LARGE) == CAN_SEND_DATA
        guest.freeze_agent_after(MEGABYTE, count="rchar")
        pushed = pool.submit(viewer.send_file_data, 1, noise(LARGE))
        guest.wait_until_frozen()
        guest.start_agent()
        assert viewer.file_result(1, STEP_SECONDS) == CANCELLED
        pushed.result()
        guest.wait_until_up(2)
        check_service(guest, viewer)


@by_bytes
def test_an_agent_that_dies_amid_a_file_is_missed_in_time(guest: ProxiedGuest):
    """H31: vdproxy finds out by itself that nobody reads."""
    with guest.viewer() as viewer:
        assert viewer.begin_file(1, "cut short", LARGE) == CAN_SEND_DATA
        guest.freeze_agent_after(MEGABYTE // 5, count="rchar")
        # More than QEMU takes of it.
        viewer.send_file_data(1, noise(MEGABYTE))
        guest.wait_until_frozen()
        guest.kill_agent()
        assert viewer.file_result(1, STALL_SECONDS) == CANCELLED
        guest.start_agent()
        guest.wait_until_up(2)
        check_service(guest, viewer)


@by_qmp
def test_a_guest_that_is_reset_amid_a_clipboard_is_found_again(guest: ProxiedGuest):
    guest.copy(LARGE)
    with guest.viewer() as viewer, ThreadPoolExecutor() as pool:
        assert viewer.expect_grab() == (CLIPBOARD, (TEXT,))
        guest.freeze_agent_after(MEGABYTE, count="wchar")
        paste = pool.submit(viewer.paste)
        guest.wait_until_frozen()
        guest.linux.monitor.execute("system_reset")
        assert paste.result() == Clipboard(CLIPBOARD, NONE, b"")
        guest.wait_until_up(2)
        check_service(guest, viewer)


@by_qmp
def test_a_qemu_that_is_killed_amid_a_file_is_found_again(guest: ProxiedGuest):
    with guest.viewer() as viewer, guest.viewer() as owner:
        owner.copy(b"kept")
        guest.wait_until_offered()
        assert viewer.begin_file(1, "cut short", LARGE) == CAN_SEND_DATA
        viewer.send_file_data(1, noise(LARGE // 2))
        guest.linux.kill()
        assert viewer.file_result(1, STEP_SECONDS) == CANCELLED
        guest.linux.start()
        guest.wait_until_up(2)
        guest.wait_until_offered()
        assert guest.pasted_digest() == digest(b"kept")
        check_service(guest, viewer)


def test_a_file_goes_on_where_its_vm_was_stopped(guest: ProxiedGuest):
    data = noise(LARGE)
    with guest.viewer() as viewer, ThreadPoolExecutor() as pool:
        assert viewer.begin_file(1, "whole", LARGE) == CAN_SEND_DATA
        pushed = pool.submit(viewer.send_file_data, 1, data)
        guest.linux.monitor.execute("stop")
        time.sleep(STOP_SECONDS)
        assert not pushed.done()
        guest.linux.monitor.execute("cont")
        assert viewer.file_result(1) == SUCCESS
        assert guest.file_digest("whole") == digest(data)
    assert guest.times_up == 1


def test_a_vm_stopped_amid_a_clipboard_keeps_its_agent(guest: ProxiedGuest):
    """H29: that paste takes too long, and what comes of it later is nobody else's."""
    guest.copy(LARGE)
    with guest.viewer() as viewer, ThreadPoolExecutor() as pool:
        assert viewer.expect_grab() == (CLIPBOARD, (TEXT,))
        guest.freeze_agent_after(MEGABYTE, count="wchar")
        paste = pool.submit(viewer.paste)
        guest.wait_until_frozen()
        guest.linux.monitor.execute("stop")
        assert paste.result(STEP_SECONDS) == Clipboard(CLIPBOARD, NONE, b"")
        guest.linux.monitor.execute("cont")
        guest.thaw_agent()
        assert viewer.paste().data == text(LARGE)
        check_service(guest, viewer)
    assert guest.times_up == 1
