"""The example of a filter, between a real guest and its clients."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.packaging import ROOT
from tests.peers.programs import wait_for
from tests.peers.viewer import CLIPBOARD, NONE, TEXT, Viewer
from tests.real.guest import LAYOUTS, Guest
from vdproxy.testing import SPICE_GTK
from vdproxy.wire.messages import Clipboard, ClipboardRequest

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r\n"
SECRET = "b3BlbnNzaC1r"
OTHER = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2Vw\n"

#: Within how many seconds whoever must not have something is told so: vdproxy need
#: not wait for anybody.
SECONDS = 2.0

each_layout = pytest.mark.parametrize(
    "caps", [*LAYOUTS.values(), SPICE_GTK], ids=[*LAYOUTS, "spice-gtk"]
)


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit") / "audit.jsonl"


@pytest.fixture(scope="module")
def guarded_guest(
    tmp_path_factory: pytest.TempPathFactory, audit: Path
) -> Iterator[Guest]:
    directory = tmp_path_factory.mktemp("guest")
    plugins = directory / "plugins"
    shutil.copytree(ROOT / "examples/paste_guard", plugins)
    options = f"""
filters = paste-guard, audit
required = paste-guard
[filter:audit]
file = {audit}
"""
    guest = Guest(directory, options, plugins=plugins)
    yield guest
    guest.close()


@pytest.fixture
def guest(guarded_guest: Guest) -> Iterator[Guest]:
    """A guest of which nobody owns the clipboard."""
    yield guarded_guest
    guarded_guest.agent.stop_copying()
    guarded_guest.wait_until_free()


@pytest.fixture
def refusals(guest: Guest, audit: Path) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What the audit file says was refused since the test began."""
    before = audit.stat().st_size if audit.exists() else 0

    def refusals() -> list[dict[str, Any]]:
        lines = audit.read_bytes()[before:].splitlines()
        return [r for r in map(json.loads, lines) if r["event"] == "refusal"]

    yield refusals
    for text in (audit.read_text(), guest.vdproxy.log):
        assert SECRET not in text


def assert_said(refusals: list[dict[str, Any]], source: str, times: int) -> None:
    """Have a line on each key that was kept back, and on nothing else."""
    assert len(refusals) == times
    for refusal in refusals:
        assert refusal["source"].partition("#")[0] == source
        assert refusal["message"] == "VD_AGENT_CLIPBOARD"
        assert (refusal["type"], refusal["size"]) == ("text", len(KEY))
        assert refusal["filter"] == "paste-guard"
        assert refusal["reason"] == "it holds a private key"


def pastes_nothing(viewer: Viewer) -> bool:
    return viewer.paste(timeout=SECONDS) == Clipboard(CLIPBOARD, NONE, b"")


@each_layout
def test_a_key_that_a_client_copies_is_pasted_by_nobody(guest: Guest, refusals, caps):
    with guest.viewer(caps) as owner, guest.viewer() as other:
        owner.copy(KEY.encode())
        assert other.expect_grab() == (CLIPBOARD, (TEXT,))
        assert pastes_nothing(other)
        guest.wait_until_offered()
        assert guest.pasted() == ""
        assert len(owner.messages(ClipboardRequest)) == 2
        assert_said(refusals(), "vdi", 2)
        owner.copy(OTHER.encode())
        wait_for(lambda: guest.pasted() == OTHER, 5, "other text in the guest")
        assert other.paste().data == OTHER.encode()
        assert not owner.ended
        assert len(refusals()) == 2


@each_layout
def test_a_key_that_the_guest_copies_is_pasted_by_no_client(
    guest: Guest, refusals, caps
):
    with guest.viewer(caps) as one, guest.viewer() as two:
        guest.agent.copy(KEY)
        for viewer in (one, two):
            assert viewer.expect_grab() == (CLIPBOARD, (TEXT,))
            assert pastes_nothing(viewer)
        assert_said(refusals(), "guest", 2)
        # Within the guest it is the guest's own affair.
        assert guest.agent.paste() == KEY
        guest.agent.copy(OTHER)
        for viewer in (one, two):
            wait_for(partial(pastes, viewer, OTHER), 5, "other text")


def pastes(viewer: Viewer, text: str) -> bool:
    return viewer.paste().data == text.encode()


def test_files_are_none_of_its_business(guest: Guest, refusals):
    with guest.viewer() as sender:
        sender.send_file(1, "id_ed25519", KEY.encode())
    assert (guest.agent.files / "id_ed25519").read_text() == KEY
    assert refusals() == []
