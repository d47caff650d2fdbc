"""Clients that share the guest's clipboard, but none of each other's."""

from __future__ import annotations

import pytest

from tests.peers.viewer import CLIPBOARD, NONE, TEXT
from tests.real.guest import LAYOUTS, Guest
from vdproxy.wire.messages import Clipboard, ClipboardGrab, ClipboardRelease


@pytest.fixture(scope="module")
def guest_options() -> str:
    return "[handler:clipboard]\nshare-between-clients = no"


def test_what_a_client_copies_is_for_the_guest_alone(shared_guest: Guest):
    """H10, H15."""
    agent = shared_guest.agent
    with shared_guest.viewer(LAYOUTS["plain"]) as one, shared_guest.viewer() as two:
        one.copy(b"for the guest")
        shared_guest.wait_until_offered()
        assert agent.paste() == "for the guest"
        assert two.paste() == Clipboard(CLIPBOARD, NONE, b"")
        with shared_guest.viewer() as late:
            assert late.paste() == Clipboard(CLIPBOARD, NONE, b"")
            assert late.messages(ClipboardGrab) == []
        agent.copy("for all")
        for viewer in (one, two):
            assert viewer.expect_grab() == (CLIPBOARD, (TEXT,))
            assert viewer.paste().data == b"for all"
        two.copy(b"for the guest again")
        # The guest's is there no longer, and the other's is not to be had.
        assert one.expect(ClipboardRelease) == ClipboardRelease(CLIPBOARD)
        assert one.paste() == Clipboard(CLIPBOARD, NONE, b"")
        shared_guest.wait_until_offered()
        assert agent.paste() == "for the guest again"
        assert two.messages(ClipboardRelease) == []
