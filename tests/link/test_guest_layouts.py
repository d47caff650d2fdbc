"""What clipboard messages look like to each agent, and their serials."""

from __future__ import annotations

import pytest

from tests.link.frames import (
    CLIPBOARD,
    GRAB,
    LINUX,
    RELEASE,
    REQUEST,
    WINDOWS,
    announce,
    bare_grab,
    feed,
    feed_each_way,
    grab,
    numbers,
    sent,
    spelled,
)
from tests.wire.decoding import frame
from vdproxy.errors import LocalProtocolError
from vdproxy.link.events import Discarded
from vdproxy.link.guest import GuestLink
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import (
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
)

OFFER = Capabilities.of(1, 2, 5, 6, 7, 12, 17)
LOST = Discarded(GRAB, "its serial lost a race")


def synced(*words, offer=OFFER):
    link = GuestLink(Codec(), offer)
    sent(link)
    feed(link, announce(0, *words))
    return link


WITH_PREFIX = [
    (Clipboard(0, 1, b"text"), frame(CLIPBOARD, numbers(0, 1) + b"text")),
    (Clipboard(1, 1, b"text"), frame(CLIPBOARD, numbers(1, 1) + b"text")),
    (ClipboardRequest(2, 1), frame(REQUEST, numbers(2, 1))),
    (ClipboardRelease(1), frame(RELEASE, numbers(1))),
]
WITHOUT_PREFIX = [
    (Clipboard(0, 1, b"text"), frame(CLIPBOARD, numbers(1) + b"text")),
    (ClipboardGrab(0, (1, 2)), bare_grab(1, 2)),
    (ClipboardRequest(0, 1), frame(REQUEST, numbers(1))),
    (ClipboardRelease(0), frame(RELEASE)),
]


@pytest.mark.parametrize(("value", "stream"), WITH_PREFIX)
def test_the_linux_agent_has_selections_in_both_directions(value, stream):
    assert spelled(synced(LINUX), value) == stream
    assert feed_each_way(lambda: synced(LINUX), stream).events == [value]


def test_the_linux_agent_has_serials_in_both_directions():
    link = synced(LINUX)
    assert spelled(link, ClipboardGrab(0, (1, 2))) == grab(0, 1, 2)
    assert feed(link, grab(1, 1, 2)).events == [ClipboardGrab(0, (1, 2), 1)]


@pytest.mark.parametrize("words", [(WINDOWS,), (0,), ()], ids=str)
@pytest.mark.parametrize(("value", "stream"), WITHOUT_PREFIX)
def test_other_agents_have_neither_in_either_direction(words, value, stream):
    assert spelled(synced(*words), value) == stream
    assert feed_each_way(lambda: synced(*words), stream).events == [value]


def test_high_words_of_an_announcement_do_not_disturb_the_layout():
    link = synced(LINUX, 0, 0, 0, 0, 0, 0, 0x80000000)
    assert spelled(link, ClipboardGrab(0, (1,))) == grab(0, 1)


@pytest.mark.parametrize(("value", "stream"), WITHOUT_PREFIX)
def test_an_optional_field_that_we_did_not_announce_is_not_there(value, stream):
    def make():
        return synced(LINUX, offer=Capabilities.of(1, 2))

    assert spelled(make(), value) == stream
    assert feed_each_way(make, stream).events == [value]


def test_the_daemons_release_of_one_byte_is_understood():
    """H35."""
    outcome = feed_each_way(lambda: synced(LINUX), frame(RELEASE, b"\x01"))
    assert outcome.events == [ClipboardRelease(1)]


@pytest.mark.parametrize(
    "value", [ClipboardGrab(1, (1,)), Clipboard(2, 1, b""), ClipboardRequest(1, 1)]
)
def test_an_agent_without_selections_cannot_be_told_of_primary(value):
    """H19."""
    with pytest.raises(LocalProtocolError, match="CLIPBOARD only"):
        synced(WINDOWS).encode(value)


def test_another_answer_in_sync_changes_the_layout():
    link = synced(LINUX)
    feed(link, announce(0, WINDOWS))
    assert spelled(link, ClipboardGrab(0, (1,))) == bare_grab(1)
    assert feed(link, bare_grab(1)).events == [ClipboardGrab(0, (1,))]


def test_our_grabs_are_numbered_on_the_link_whatever_they_came_with():
    """H18."""
    link = synced(LINUX)
    assert spelled(link, ClipboardGrab(0, (1,), 77)) == grab(0, 1)
    assert spelled(link, ClipboardGrab(0, (1,), 77)) == grab(1, 1)
    assert spelled(link, ClipboardGrab(1, (1,), 77)) == grab(0, 1, selection=1)
    assert spelled(synced(WINDOWS), ClipboardGrab(0, (1,), 77)) == bare_grab(1)


def test_a_guests_grab_that_crossed_ours_is_discarded():
    link = synced(LINUX)
    spelled(link, ClipboardGrab(0, (1,)))
    assert feed(link, grab(0, 1)).events == [LOST]
    assert feed(link, grab(1, 1)).events == [ClipboardGrab(0, (1,), 1)]


def test_a_guests_grab_that_is_ahead_is_discarded():
    outcome = feed_each_way(lambda: synced(LINUX), grab(1, 1))
    assert outcome == ([LOST], b"")


def test_a_windows_agents_grabs_are_never_discarded():
    link = synced(WINDOWS)
    for _ in range(3):
        spelled(link, ClipboardGrab(0, (1,)))
        assert feed(link, bare_grab(1)).events == [ClipboardGrab(0, (1,))]


def test_serials_begin_at_0_at_the_answer_of_a_new_agent():
    link = synced(LINUX)
    for _ in range(3):
        spelled(link, ClipboardGrab(0, (1,)))
    feed(link, announce(1, LINUX))
    feed(link, announce(0, LINUX))
    assert spelled(link, ClipboardGrab(0, (1,))) == grab(0, 1)
    assert feed(link, grab(1, 1)).events == [ClipboardGrab(0, (1,), 1)]


def test_serials_go_on_over_an_answer_that_comes_in_sync():
    link = synced(LINUX)
    spelled(link, ClipboardGrab(0, (1,)))
    feed(link, announce(0, LINUX))
    assert spelled(link, ClipboardGrab(0, (1,))) == grab(1, 1)


def test_the_old_agents_serials_do_not_count_for_the_new_one():
    """H33."""
    link = synced(LINUX)
    feed(link, grab(0, 1), grab(1, 1), announce(1, LINUX), announce(0, LINUX))
    assert feed(link, grab(2, 1)).events == [LOST]
    assert feed(link, grab(0, 1)).events == [ClipboardGrab(0, (1,), 0)]


def test_an_agent_that_answers_twice_has_counted_our_grabs_after_its_last_answer():
    """H18: it put its counts back before it had any of them."""
    link = GuestLink(Codec(), OFFER)
    feed(link, bare_grab(1))
    sent(link)
    link.ask_again()
    sent(link)
    feed(link, announce(0, LINUX))
    assert spelled(link, ClipboardGrab(0, (1,))) == grab(0, 1)
    feed(link, announce(0, LINUX))
    assert spelled(link, ClipboardGrab(0, (1,))) == grab(1, 1)
