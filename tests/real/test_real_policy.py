"""What the clients of a real guest may copy and paste, each under its own policy."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.peers.programs import wait_for
from tests.peers.viewer import CLIPBOARD, NONE, TEXT, Viewer
from tests.real.guest import LAYOUTS, Guest
from vdproxy.testing import SPICE_GTK
from vdproxy.wire.constants import ClipboardType
from vdproxy.wire.messages import (
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
)

PNG = ClipboardType.VD_AGENT_CLIPBOARD_IMAGE_PNG

#: Clients of no name may do nothing, by the section for their frontend.
OPTIONS = """
filters = policy
[vm:real frontend:vdi filter:policy]
clipboard = none
[vm:real client:free filter:policy]
clipboard = both
[vm:real client:reader filter:policy]
clipboard = from-guest
[vm:real client:writer filter:policy]
clipboard = to-guest
[vm:real client:texts filter:policy]
clipboard = both
clipboard-types = text
[vm:real client:small filter:policy]
clipboard = both
clipboard-max = 1M
"""
NAMES = ("free", "reader", "writer", "texts", "small")

#: Within how many seconds whoever must not have something is told so.
SECONDS = 3.0

LARGE = "0123456789" * 200_000
SMALL = "0123456789" * 50_000

each_layout = pytest.mark.parametrize(
    "caps", [*LAYOUTS.values(), SPICE_GTK], ids=[*LAYOUTS, "spice-gtk"]
)


@pytest.fixture(scope="module")
def ruled_guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    guest = Guest(tmp_path_factory.mktemp("guest"), OPTIONS, names=NAMES)
    yield guest
    guest.close()


@pytest.fixture
def guest(ruled_guest: Guest) -> Iterator[Guest]:
    """A guest of which nobody owns the clipboard, and whose agent hears of nothing."""
    yield ruled_guest
    ruled_guest.agent.stop_copying()
    ruled_guest.wait_until_free()
    assert ruled_guest.agent.connections_logged == 1


@pytest.fixture
def free(guest: Guest) -> Iterator[Viewer]:
    """A client that may do everything."""
    with guest.viewer(name="free") as free:
        yield free


def pastes_nothing(viewer: Viewer, type: int = TEXT) -> bool:
    return viewer.paste(type, timeout=SECONDS) == Clipboard(CLIPBOARD, NONE, b"")


def guest_offers(guest: Guest, target: str) -> bool:
    return guest.offered() and target in guest.agent.targets()


@each_layout
def test_a_client_that_may_paste_cannot_copy(guest: Guest, free: Viewer, caps):
    guest.agent.copy("of the guest")
    assert free.expect_grab() == (CLIPBOARD, (TEXT,))
    with guest.viewer(caps, "reader") as reader:
        assert reader.expect_grab() == (CLIPBOARD, (TEXT,))
        reader.copy(b"refused")
        assert reader.expect_grab() == (CLIPBOARD, (TEXT,))
        reader.send(Clipboard(CLIPBOARD, TEXT, b"unasked"))
        assert reader.paste().data == b"of the guest"
        assert guest.agent.paste() == "of the guest"
        assert free.paste().data == b"of the guest"
        assert len(free.messages(ClipboardGrab)) == 1
        guest.agent.stop_copying()
        for viewer in (reader, free):
            assert viewer.expect(ClipboardRelease) == ClipboardRelease(CLIPBOARD)
        reader.copy(b"refused")
        assert reader.expect(ClipboardRelease) == ClipboardRelease(CLIPBOARD)
        assert pastes_nothing(reader)
        assert pastes_nothing(free)
        assert guest.pasted() == ""
        assert reader.messages(ClipboardRequest) == []


@each_layout
def test_a_client_that_may_copy_cannot_paste(guest: Guest, free: Viewer, caps):
    guest.agent.copy("of the guest")
    free.expect_grab()
    with guest.viewer(caps, "writer") as writer:
        assert pastes_nothing(writer)
        assert free.paste().data == b"of the guest"
        writer.copy(b"of the writer")
        guest.wait_until_offered()
        assert guest.agent.paste() == "of the writer"
        assert free.expect_grab() == (CLIPBOARD, (TEXT,))
        assert free.paste().data == b"of the writer"
        free.copy(b"of the other")
        wait_for(lambda: guest.pasted() == "of the other", 5, "it in the guest")
        assert pastes_nothing(writer)
        assert writer.messages(ClipboardGrab) == []
        writer.copy(b"again")
        wait_for(lambda: guest.pasted() == "again", 5, "it in the guest")


@each_layout
def test_a_client_of_a_frontend_that_may_do_nothing_is_not_even_asked(
    guest: Guest, free: Viewer, caps
):
    guest.agent.copy("of the guest")
    free.expect_grab()
    with guest.viewer(caps) as stranger:
        assert not set(LAYOUTS["serial"]) & set(stranger.offer)
        assert pastes_nothing(stranger)
        stranger.copy(b"refused")
        stranger.send(Clipboard(CLIPBOARD, TEXT, b"unasked"))
        assert pastes_nothing(stranger)
        assert guest.agent.paste() == "of the guest"
        assert free.paste().data == b"of the guest"
        assert stranger.messages(ClipboardGrab) == []
        assert stranger.messages(ClipboardRequest) == []


@each_layout
def test_pictures_go_nowhere_where_text_alone_may_be_pasted(
    guest: Guest, free: Viewer, caps
):
    with guest.viewer(caps, "texts") as texts:
        guest.agent.copy(b"a picture", target="image/png")
        assert free.expect_grab() == (CLIPBOARD, (PNG,))
        assert free.paste(PNG).data == b"a picture"
        assert pastes_nothing(texts, PNG)
        assert texts.messages(ClipboardGrab) == []

        texts.copy({PNG: b"refused", TEXT: b"text"})
        assert free.expect_grab() == (CLIPBOARD, (TEXT,))
        assert pastes_nothing(free, PNG)
        assert free.paste().data == b"text"
        wait_for(lambda: guest_offers(guest, "UTF8_STRING"), 5, "text")
        assert guest.agent.paste() == "text"
        assert not guest_offers(guest, "image/png")
        with pytest.raises(subprocess.CalledProcessError):
            guest.agent.paste_as("image/png", seconds=SECONDS)

        free.copy({PNG: b"a picture", TEXT: b"text too"})
        assert texts.expect_grab() == (CLIPBOARD, (TEXT,))
        assert pastes_nothing(texts, PNG)
        assert texts.paste().data == b"text too"
        wait_for(lambda: guest_offers(guest, "image/png"), 5, "picture")
        assert guest.agent.paste_as("image/png") == b"a picture"


@each_layout
def test_what_is_too_large_for_one_client_is_kept_from_and_by_it_alone(
    guest: Guest, free: Viewer, caps
):
    with guest.viewer(caps, "small") as small:
        for text in (LARGE, SMALL):
            guest.agent.copy(text)
            for viewer in (small, free):
                assert viewer.expect_grab() == (CLIPBOARD, (TEXT,))
            assert pastes_nothing(small) == (text == LARGE)
            assert free.paste().data == text.encode()
            guest.agent.stop_copying()
        assert small.messages(Clipboard)[-1].data == SMALL.encode()

        small.copy(LARGE.encode())
        guest.wait_until_offered()
        assert guest.pasted() == ""
        assert pastes_nothing(free)
        small.copy(SMALL.encode())
        wait_for(lambda: guest.pasted() == SMALL, 5, "it in the guest")
        assert free.paste().data == SMALL.encode()

        free.copy(LARGE.encode())
        wait_for(lambda: guest.pasted() == LARGE, 5, "it in the guest")
        assert pastes_nothing(small)


def test_what_both_ends_allow_passes_between_clients(guest: Guest):
    roles = ("free", "reader", "writer", "texts")
    for owning in roles:
        for pasting in roles:
            with (
                guest.viewer(name=owning) as owner,
                guest.viewer(LAYOUTS["plain"], pasting) as paster,
            ):
                owner.copy(b"text")
                # The guest's view of it follows from the owner's policy alone.
                if owning == "reader":
                    assert owner.expect(ClipboardRelease)
                else:
                    guest.wait_until_offered()
                if owning == "reader" or pasting == "writer":
                    assert pastes_nothing(paster)
                else:
                    assert paster.paste().data == b"text"
            guest.wait_until_free()


def test_a_refused_grab_ends_what_was_asked_of_its_sender(guest: Guest, free: Viewer):
    with guest.viewer(name="texts") as texts, ThreadPoolExecutor() as pool:
        texts.answers = False
        texts.copy(b"never given")
        guest.wait_until_offered()
        paste = pool.submit(guest.pasted)
        texts.expect(ClipboardRequest)
        free.send(ClipboardRequest(CLIPBOARD, TEXT))
        texts.copy({PNG: b"refused"})
        assert paste.result(1) == ""
        assert free.expect(Clipboard, 1) == Clipboard(CLIPBOARD, NONE, b"")
        assert free.expect(ClipboardRelease) == ClipboardRelease(CLIPBOARD)
        guest.wait_until_free()
        # The answer comes late, and is nobody's.
        texts.send(Clipboard(CLIPBOARD, TEXT, b"never given"))
        texts.answers = True
        texts.copy(b"given")
        wait_for(lambda: guest.pasted() == "given", 5, "it in the guest")
        assert free.paste().data == b"given"


def test_a_refused_grab_changes_nothing_of_what_its_sender_has_asked_for(
    guest: Guest, free: Viewer
):
    with guest.viewer(LAYOUTS["serial"], "reader") as reader:
        guest.agent.copy("of the guest")
        for viewer in (reader, free):
            viewer.expect_grab()
        with guest.agent.paused():
            for viewer in (reader, free):
                viewer.send(ClipboardRequest(CLIPBOARD, TEXT))
            reader.copy(b"refused")
            assert reader.expect_grab() == (CLIPBOARD, (TEXT,))
        for viewer in (reader, free):
            assert viewer.expect(Clipboard, SECONDS).data == b"of the guest"
        assert len(free.messages(ClipboardGrab)) == 1


@each_layout
def test_a_refused_grab_that_crosses_the_guests_leaves_the_guest_the_owner(
    guest: Guest, free: Viewer, caps
):
    with guest.viewer(caps, "reader") as reader, ThreadPoolExecutor() as pool:
        for turn in range(3):
            copying = pool.submit(guest.agent.copy, f"turn {turn}")
            reader.copy(b"refused")
            copying.result()
            data = f"turn {turn}".encode()
            for viewer in (reader, free):
                wait_for(lambda v=viewer, d=data: v.paste().data == d, 5, "turn")
            assert guest.agent.paste() == f"turn {turn}"
