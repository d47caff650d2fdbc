"""One clipboard between a real guest and clients of different layouts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache

import pytest

from tests.peers.programs import wait_for
from tests.peers.viewer import CLIPBOARD, NONE, TEXT, Viewer
from tests.real.guest import LAYOUTS, Guest
from vdproxy.wire.constants import ClipboardType
from vdproxy.wire.messages import (
    Clipboard,
    ClipboardRelease,
    ClipboardRequest,
    MaxClipboard,
)

PNG = ClipboardType.VD_AGENT_CLIPBOARD_IMAGE_PNG
TARGETS = {TEXT: "UTF8_STRING", PNG: "image/png"}


@dataclass(frozen=True)
class Content:
    """Something to copy, of about *size* bytes."""

    type: int
    size: int

    @property
    def data(self) -> bytes:
        return _data(self.type, self.size)

    @property
    def target(self) -> str:
        return TARGETS[self.type]


@cache
def _data(type: int, size: int) -> bytes:
    noise = random.Random(size).randbytes(min(size, 1 << 20))
    if type == PNG:
        return b"\x89PNG\r\n\x1a\n" + (noise * (size // len(noise) + 1))[:size]
    line = noise.hex() + " \N{SNOWMAN}\r\n\N{EURO SIGN}\n"
    return (line * (size // len(line) + 1)).encode()


CONTENTS = [
    pytest.param(Content(TEXT, 20), id="text"),
    pytest.param(Content(PNG, 4_000_000), id="png-4MB"),
    pytest.param(Content(TEXT, 50_000_000), id="text-50MB"),
]


@pytest.fixture
def viewers(shared_guest: Guest) -> Iterator[dict[str, Viewer]]:
    """A client of each layout; behind them nobody owns the clipboard."""
    with ExitStack() as stack:
        yield {
            layout: stack.enter_context(shared_guest.viewer(caps))
            for layout, caps in LAYOUTS.items()
        }
    shared_guest.agent.stop_copying()
    shared_guest.wait_until_free()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def others(viewers: dict[str, Viewer], layout: str) -> list[Viewer]:
    return [viewer for name, viewer in viewers.items() if name != layout]


def wait_for_paste(reader: Viewer, text: str) -> None:
    wait_for(lambda: reader.paste().data == text.encode(), 5, text)


@pytest.mark.parametrize("content", CONTENTS)
def test_what_the_guest_copies_goes_to_each_client_that_asks_and_to_no_other(
    shared_guest: Guest,
    viewers: dict[str, Viewer],
    pool: ThreadPoolExecutor,
    content: Content,
):
    """H10, H14, H19."""
    shared_guest.agent.copy(content.data, target=content.target)
    for viewer in viewers.values():
        assert viewer.expect_grab() == (CLIPBOARD, (content.type,))
    *asking, silent = viewers.values()
    for answer in pool.map(lambda viewer: viewer.paste(content.type), asking):
        assert answer == Clipboard(CLIPBOARD, content.type, content.data)
    assert silent.messages(Clipboard) == []
    answer = silent.paste(content.type)
    assert answer == Clipboard(CLIPBOARD, content.type, content.data)
    for viewer in viewers.values():
        assert len(viewer.messages(Clipboard)) == 1
        assert viewer.messages(ClipboardRequest) == []


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("content", CONTENTS)
def test_what_a_client_copies_is_read_from_it_alone(
    shared_guest: Guest,
    viewers: dict[str, Viewer],
    pool: ThreadPoolExecutor,
    content: Content,
    layout: str,
):
    """H10, H11, H15, H18, H19."""
    owner, readers = viewers[layout], others(viewers, layout)
    owner.copy({content.type: content.data})
    shared_guest.wait_until_offered()
    pasted = shared_guest.agent.paste_as(content.target, seconds=60)
    assert pasted == content.data
    assert [m.type for m in owner.messages(ClipboardRequest)] == [content.type]
    for reader in readers:
        assert reader.messages(Clipboard) == []
        assert reader.expect_grab() == (CLIPBOARD, (content.type,))
    for answer in pool.map(lambda reader: reader.paste(content.type), readers):
        assert answer == Clipboard(CLIPBOARD, content.type, content.data)
    for reader in readers:
        assert reader.messages(ClipboardRequest) == []
    assert owner.messages(Clipboard) == []


def assert_late_joiners_paste(guest: Guest, data: bytes) -> None:
    """Have a client of each layout join, paste and leave, and the agent not notice."""
    for caps in LAYOUTS.values():
        with guest.viewer(caps) as late:
            assert late.expect_grab() == (CLIPBOARD, (TEXT,))
            assert late.paste().data == data
    assert guest.agent.connections_logged == 1


def test_a_client_that_joins_after_the_guest_copied_can_paste_at_once(
    shared_guest: Guest, viewers: dict[str, Viewer]
):
    """H1, H14."""
    shared_guest.agent.copy("copied before")
    viewers["plain"].expect_grab()
    assert_late_joiners_paste(shared_guest, b"copied before")


def test_a_client_that_joins_after_another_copied_can_paste_at_once(
    shared_guest: Guest, viewers: dict[str, Viewer]
):
    """H1, H14, H15."""
    viewers["selection"].copy(b"copied before")
    viewers["plain"].expect_grab()
    assert_late_joiners_paste(shared_guest, b"copied before")


def test_pastes_of_guest_and_clients_at_once_all_get_the_data(
    shared_guest: Guest, viewers: dict[str, Viewer], pool: ThreadPoolExecutor
):
    """H9, H11."""
    data = Content(TEXT, 1_000_000).data
    viewers["serial"].copy(data)
    shared_guest.wait_until_offered()
    in_guest = [
        pool.submit(shared_guest.agent.paste_as, TARGETS[TEXT]) for _ in range(4)
    ]
    in_clients = [pool.submit(viewer.paste) for viewer in others(viewers, "serial")]
    assert all(paste.result() == data for paste in in_guest)
    assert all(paste.result().data == data for paste in in_clients)


def test_the_owner_changes_between_clients_without_a_release_in_the_guest(
    shared_guest: Guest, viewers: dict[str, Viewer]
):
    """H15, H17, H18."""
    viewers["plain"].copy({PNG: b"first"})
    shared_guest.wait_until_offered()
    wait_for(lambda: TARGETS[PNG] in shared_guest.agent.targets(), 5, "PNG")
    viewers["serial"].copy(b"second")
    wait_for(lambda: TARGETS[TEXT] in shared_guest.agent.targets(), 5, "text")
    assert shared_guest.agent.paste() == "second"
    assert viewers["plain"].expect_grab() == (CLIPBOARD, (TEXT,))
    # Neither the release of a former owner nor its end changes anything.
    viewers["plain"].release()
    viewers["plain"].close()
    assert viewers["selection"].paste().data == b"second"
    assert shared_guest.agent.paste() == "second"
    for viewer in viewers.values():
        assert viewer.messages(ClipboardRelease) == []


def test_guest_and_clients_take_the_clipboard_in_turn(
    shared_guest: Guest, viewers: dict[str, Viewer]
):
    """H15, H18."""
    agent = shared_guest.agent
    for turn, viewer in enumerate(viewers.values()):
        agent.copy(f"guest {turn}")
        for reader in viewers.values():
            wait_for_paste(reader, f"guest {turn}")
        viewer.copy(f"client {turn}".encode())
        shared_guest.wait_until_offered()
        assert agent.paste() == f"client {turn}"


def test_a_release_that_a_grab_follows_is_part_of_it(
    shared_guest: Guest, viewers: dict[str, Viewer]
):
    """H17."""
    owner, readers = viewers["selection"], others(viewers, "selection")
    owner.copy({PNG: b"first"})
    shared_guest.wait_until_offered()
    owner.release()
    owner.copy(b"second")
    wait_for(lambda: TARGETS[TEXT] in shared_guest.agent.targets(), 5, "text")
    for reader in readers:
        assert reader.expect_grab() == (CLIPBOARD, (PNG,))
        assert reader.expect_grab() == (CLIPBOARD, (TEXT,))
        assert reader.paste().data == b"second"
        assert reader.messages(ClipboardRelease) == []


@pytest.mark.parametrize("ending", ["release", "close"])
def test_what_an_owner_gives_up_or_takes_along_is_offered_no_more(
    shared_guest: Guest, viewers: dict[str, Viewer], ending: str
):
    """H12, H16."""
    owner, readers = viewers["selection"], others(viewers, "selection")
    owner.copy(b"soon gone")
    shared_guest.wait_until_offered()
    if ending == "release":
        # Nobody but the owner can do that.
        for reader in readers:
            reader.expect_grab()
            reader.release()
        assert shared_guest.agent.paste() == "soon gone"
        owner.release()
    else:
        owner.close()
    for reader in readers:
        assert reader.expect(ClipboardRelease) == ClipboardRelease(CLIPBOARD)
        assert reader.paste().type == NONE
    shared_guest.wait_until_free()


def test_clients_are_told_when_the_guest_has_nothing_to_paste_any_more(
    shared_guest: Guest, viewers: dict[str, Viewer]
):
    shared_guest.agent.copy("soon gone")
    for viewer in viewers.values():
        viewer.expect_grab()
    shared_guest.agent.stop_copying()
    for viewer in viewers.values():
        assert viewer.expect(ClipboardRelease) == ClipboardRelease(CLIPBOARD)
        assert viewer.paste().type == NONE


def test_what_is_not_offered_is_answered_with_nothing(
    shared_guest: Guest, viewers: dict[str, Viewer]
):
    shared_guest.agent.copy("text alone")
    for viewer in viewers.values():
        viewer.expect_grab()
        assert viewer.paste(PNG, timeout=1) == Clipboard(CLIPBOARD, NONE, b"")
        assert viewer.paste().data == b"text alone"


def test_the_limit_of_one_client_is_not_that_of_the_others(
    shared_guest: Guest, viewers: dict[str, Viewer]
):
    """H22."""
    viewers["plain"].send(MaxClipboard(4))
    shared_guest.agent.copy("five!")
    for layout, viewer in viewers.items():
        viewer.expect_grab()
        expected = b"" if layout == "plain" else b"five!"
        assert viewer.paste() == Clipboard(CLIPBOARD, TEXT, expected)
