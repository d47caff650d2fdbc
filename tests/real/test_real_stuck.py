"""Clients and applications that do not answer, and everybody else meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.peers.programs import wait_for
from tests.peers.viewer import CLIPBOARD, NONE, TEXT, Viewer
from tests.real.guest import LAYOUTS, Guest
from vdproxy.wire.constants import FileXferStatusResult, Selection
from vdproxy.wire.messages import (
    Clipboard,
    ClipboardGrab,
    ClipboardRequest,
)

PRIMARY = Selection.VD_AGENT_CLIPBOARD_SELECTION_PRIMARY
SUCCESS = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_SUCCESS

#: Within how many seconds a client that waits is answered, and a paste ends that
#: need not wait.
SECONDS = 3.0
SLACK = 1.0


@pytest.fixture(scope="module")
def guest_options() -> str:
    return "[handler:clipboard]\nselections = clipboard, primary"


@pytest.fixture
def guest(shared_guest: Guest) -> Iterator[Guest]:
    yield shared_guest
    for selection in ("clipboard", "primary"):
        shared_guest.agent.stop_copying(selection)
        shared_guest.wait_until_free(selection)


@pytest.fixture
def silent(guest: Guest) -> Iterator[Viewer]:
    """A client that owns the clipboard and answers nobody."""
    with guest.viewer(LAYOUTS["serial"]) as silent:
        silent.answers = False
        silent.copy(b"never given")
        guest.wait_until_offered()
        yield silent


def test_a_paste_of_what_is_never_given_ends_and_disturbs_nobody(
    guest: Guest, silent: Viewer
):
    """H11."""
    with (
        guest.viewer() as owner,
        guest.viewer(LAYOUTS["selection"]) as other,
        ThreadPoolExecutor() as pool,
    ):
        owner.copy(b"of primary", PRIMARY)
        guest.wait_until_offered("primary")
        paste = pool.submit(guest.pasted)
        silent.expect(ClipboardRequest)
        assert guest.agent.paste("primary") == "of primary"
        wait_for(lambda: len(other.messages(ClipboardGrab)) == 2, 5, "both GRABs")
        assert other.paste(TEXT, PRIMARY, 1).data == b"of primary"
        assert other.send_file(1, "meanwhile", b"file") == SUCCESS
        assert not paste.done()
        assert paste.result() == ""
        assert len(silent.messages(ClipboardRequest)) == 1
        assert not silent.ended


def test_a_paste_ends_at_once_when_the_owner_has_nothing_of_that_type(
    guest: Guest, silent: Viewer
):
    """H11."""
    with ThreadPoolExecutor() as pool:
        paste = pool.submit(guest.pasted)
        silent.expect(ClipboardRequest)
        silent.send(Clipboard(CLIPBOARD, NONE, b""))
        assert paste.result(SLACK) == ""


def test_a_paste_ends_at_once_when_the_owner_leaves(guest: Guest, silent: Viewer):
    """H12."""
    with ThreadPoolExecutor() as pool:
        paste = pool.submit(guest.pasted)
        silent.expect(ClipboardRequest)
        silent.close()
        assert paste.result(SLACK) == ""


def test_a_client_that_pastes_what_is_never_given_is_answered(
    guest: Guest, silent: Viewer
):
    """H11, H38."""
    with guest.viewer(LAYOUTS["plain"]) as reader:
        assert reader.expect_grab() == (CLIPBOARD, (TEXT,))
        assert reader.paste(timeout=SECONDS) == Clipboard(CLIPBOARD, NONE, b"")


def test_what_is_copied_meanwhile_is_pasted_at_once(guest: Guest, silent: Viewer):
    """H13."""
    with guest.viewer() as other, ThreadPoolExecutor() as pool:
        pool.submit(guest.pasted)
        silent.expect(ClipboardRequest)
        other.copy(b"anew")
        assert silent.expect_grab() == (CLIPBOARD, (TEXT,))
        wait_for(lambda: guest.pasted() == "anew", 2, "the new text")
        # The answer that comes late is nobody's.
        silent.send(Clipboard(CLIPBOARD, TEXT, b"never given"))
        assert guest.agent.paste() == "anew"


def test_an_answer_that_nobody_waits_for_is_not_taken_for_the_next(
    guest: Guest, silent: Viewer
):
    """H9, H13."""
    assert guest.pasted() == ""
    silent.send(Clipboard(CLIPBOARD, TEXT, b"late"))
    silent.send(Clipboard(CLIPBOARD, TEXT, b"unasked"))
    silent.answers = True
    silent.copy(b"given")
    wait_for(lambda: guest.pasted() == "given", 3, "what is given")


def test_a_session_agent_that_hangs_costs_those_who_ask_it_alone(guest: Guest):
    """H38."""
    guest.agent.copy("unreachable")
    with guest.viewer() as asking, guest.viewer(LAYOUTS["selection"]) as owner:
        assert asking.expect_grab() == (CLIPBOARD, (TEXT,))
        owner.copy(b"of primary", PRIMARY)
        asking.expect(ClipboardGrab)
        with guest.agent.paused():
            asking.send(ClipboardRequest(CLIPBOARD, TEXT))
            asking.send(ClipboardRequest(PRIMARY, TEXT))
            assert asking.expect(Clipboard, 1).data == b"of primary"
            assert asking.expect(Clipboard, SECONDS) == Clipboard(CLIPBOARD, NONE, b"")
        assert asking.paste(timeout=SECONDS).data == b"unreachable"
