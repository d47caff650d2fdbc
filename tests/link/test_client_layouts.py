"""What clipboard messages look like to each client, and their serials."""

from __future__ import annotations

import pytest

from tests.link.frames import (
    CLIPBOARD,
    GRAB,
    RELEASE,
    REQUEST,
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
from vdproxy.link.client import ClientLink
from vdproxy.link.events import ClientRenewed, Discarded, Malformed
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import (
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
)

FULL = Capabilities.of(1, 2, 5, 6, 17)
BARE = Capabilities.of(1, 2, 5)
SELECTIONS = Capabilities.of(1, 2, 5, 6)
LOST = Discarded(GRAB, "its serial lost a race")


def ready(offer=FULL, announced=FULL):
    link = ClientLink(Codec())
    link.offer(offer)
    feed(link, announce(0, announced.bits))
    sent(link)
    return link


def grabbed(link, count):
    """Return *link*, on which the client has grabbed so many times."""
    for serial in range(count):
        assert feed(link, grab(serial, 1)).events == [ClipboardGrab(0, (1,), serial)]
    return link


WITH_PREFIX = [
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
def test_where_both_announced_selections_messages_name_them(value, stream):
    assert spelled(ready(), value) == stream
    assert feed_each_way(ready, stream).events == [value]


@pytest.mark.parametrize(
    ("offer", "announced"), [(FULL, BARE), (BARE, FULL), (BARE, BARE)]
)
@pytest.mark.parametrize(("value", "stream"), WITHOUT_PREFIX)
def test_where_one_did_not_announce_a_field_it_is_not_there(
    offer, announced, value, stream
):
    """H19."""

    def make():
        return ready(offer, announced)

    assert spelled(make(), value) == stream
    assert feed_each_way(make, stream).events == [value]


def test_selections_without_serials_have_a_layout_of_their_own():
    link = ready(announced=SELECTIONS)
    stream = frame(GRAB, numbers(2, 1))
    assert spelled(link, ClipboardGrab(2, (1,))) == stream
    assert feed(link, stream).events == [ClipboardGrab(2, (1,))]


def test_serials_without_selections_have_a_layout_of_their_own():
    link = ready(announced=Capabilities.of(5, 17))
    assert spelled(link, ClipboardGrab(0, (1,))) == frame(GRAB, numbers(0, 1))
    assert feed(link, frame(GRAB, numbers(1, 1))).events == [ClipboardGrab(0, (1,), 1)]


def test_a_client_without_selections_cannot_be_told_of_primary():
    """H19."""
    with pytest.raises(LocalProtocolError, match="CLIPBOARD only"):
        ready(announced=BARE).encode(ClipboardGrab(1, (1,)))


def test_before_a_client_has_announced_itself_nothing_optional_is_there():
    link = ClientLink(Codec())
    link.offer(FULL)
    assert feed(link, bare_grab(1)).events == [ClipboardGrab(0, (1,))]
    assert spelled(link, ClipboardGrab(0, (1,))) == bare_grab(1)


def test_another_offer_changes_at_once_what_we_send_and_with_the_answer_what_we_read():
    link = ready(FULL, FULL)
    link.offer(BARE)
    assert spelled(link, ClipboardRequest(0, 1)) == frame(REQUEST, numbers(1))
    assert feed(link, frame(REQUEST, numbers(1, 1))).events == [ClipboardRequest(1, 1)]
    feed(link, announce(0, FULL.bits))
    assert feed(link, frame(REQUEST, numbers(1))).events == [ClipboardRequest(0, 1)]
    assert spelled(link, ClipboardRequest(0, 1)) == frame(REQUEST, numbers(1))


def test_an_offer_of_more_is_used_at_once_and_read_after_the_answer():
    link = ready(BARE, FULL)
    link.offer(SELECTIONS)
    assert spelled(link, ClipboardRequest(1, 1)) == frame(REQUEST, numbers(1, 1))
    assert feed(link, frame(REQUEST, numbers(1))).events == [ClipboardRequest(0, 1)]
    feed(link, announce(0, FULL.bits))
    assert feed(link, frame(REQUEST, numbers(1, 1))).events == [ClipboardRequest(1, 1)]


def test_the_answer_and_a_message_in_the_new_layout_may_share_a_read():
    def make():
        link = ready(BARE, FULL)
        link.offer(SELECTIONS)
        sent(link)
        return link

    stream = announce(0, FULL.bits) + frame(REQUEST, numbers(2, 1))
    assert feed_each_way(make, stream).events[-1] == ClipboardRequest(2, 1)


def test_a_message_in_the_new_layout_before_the_answer_is_malformed():
    link = ready(BARE, FULL)
    link.offer(SELECTIONS)
    (event,) = feed(link, frame(REQUEST, numbers(1, 1))).events
    assert isinstance(event, Malformed)


def test_a_client_that_announces_something_else_changes_the_layout():
    link = ready()
    feed(link, announce(0, BARE.bits))
    assert feed(link, bare_grab(1)).events == [ClipboardGrab(0, (1,))]
    assert spelled(link, ClipboardGrab(0, (1,))) == bare_grab(1)


def test_our_grabs_are_numbered_on_the_link_whatever_they_came_with():
    """H18."""
    link = ready()
    assert spelled(link, ClipboardGrab(0, (1,), 77)) == grab(0, 1)
    assert spelled(link, ClipboardGrab(0, (1,), 77)) == grab(1, 1)
    assert spelled(link, ClipboardGrab(1, (1,), 77)) == grab(0, 1, selection=1)


def test_a_clients_grab_that_crossed_ours_wins():
    link = ready()
    spelled(link, ClipboardGrab(0, (1,)))
    assert feed(link, grab(0, 1)).events == [ClipboardGrab(0, (1,), 0)]
    assert feed(link, grab(1, 1)).events == [ClipboardGrab(0, (1,), 1)]


def test_a_clients_grab_that_is_ahead_is_discarded():
    assert feed_each_way(ready, grab(1, 1)) == ([LOST], b"")


def test_a_clients_grab_that_is_two_behind_is_discarded():
    link = ready()
    for _ in range(2):
        spelled(link, ClipboardGrab(0, (1,)))
    assert feed(link, grab(0, 1)).events == [LOST]


@pytest.mark.parametrize("serial", [0, 3])
def test_after_another_offer_the_next_grab_counts_from_0_or_from_where_it_was(serial):
    """H2 and H18."""
    link = grabbed(ready(), 3)
    link.offer(FULL | Capabilities.of(7))
    feed(link, announce(0, FULL.bits))
    assert feed(link, grab(serial, 1)).events == [ClipboardGrab(0, (1,), serial)]
    assert spelled(link, ClipboardGrab(0, (1,))) == grab(serial + 1, 1)


@pytest.mark.parametrize("serial", [1, 2, 4])
def test_after_another_offer_other_counts_are_discarded(serial):
    link = grabbed(ready(), 3)
    link.offer(FULL | Capabilities.of(7))
    feed(link, announce(0, FULL.bits))
    assert feed(link, grab(serial, 1)).events == [LOST]


def test_after_another_offer_our_grabs_count_from_0():
    link = grabbed(ready(), 3)
    link.offer(FULL | Capabilities.of(7))
    assert spelled(link, ClipboardGrab(0, (1,))) == grab(0, 1)


def test_a_grab_on_its_way_while_we_make_another_offer_is_taken():
    link = grabbed(ready(), 3)
    link.offer(FULL | Capabilities.of(7))
    assert feed(link, grab(3, 1)).events == [ClipboardGrab(0, (1,), 3)]


def test_a_client_that_does_not_begin_anew_is_understood_after_two_offers():
    link = grabbed(ready(), 3)
    for more in (7, 12):
        link.offer(FULL | Capabilities.of(more))
        feed(link, announce(0, FULL.bits))
    assert feed(link, grab(3, 1)).events == [ClipboardGrab(0, (1,), 3)]


def test_the_same_offer_again_leaves_the_serials_alone():
    link = grabbed(ready(), 3)
    link.offer(FULL)
    assert spelled(link, ClipboardGrab(0, (1,))) == grab(3, 1)


def test_a_renewed_client_counts_from_0():
    link = ready()
    feed(link, announce(1, FULL.bits))
    grabbed(link, 3)
    spelled(link, ClipboardGrab(1, (1,)))
    assert ClientRenewed() in feed(link, announce(1, FULL.bits)).events
    assert feed(link, grab(3, 1)).events == [LOST]
    assert feed(link, grab(0, 1)).events == [ClipboardGrab(0, (1,), 0)]
    assert spelled(link, ClipboardGrab(1, (1,))) == grab(0, 1, selection=1)


def test_an_announcement_that_asks_nothing_leaves_the_serials_alone():
    link = grabbed(ready(), 3)
    feed(link, announce(0, FULL.bits))
    assert spelled(link, ClipboardGrab(0, (1,))) == grab(3, 1)


@pytest.mark.parametrize(
    "refused", [ClipboardGrab(0, (1,) * 33), ClipboardGrab(9, (1,))], ids=["33", "9"]
)
def test_a_grab_that_cannot_be_told_is_not_counted(refused):
    link = ready()
    with pytest.raises(LocalProtocolError):
        link.encode(refused)
    assert spelled(link, ClipboardGrab(0, (1,))) == grab(0, 1)


def test_a_bad_grab_without_a_serial_is_counted_by_nobody():
    link = ready(announced=SELECTIONS)
    bad = frame(GRAB, numbers(0, 1) + b"?")
    good = frame(GRAB, numbers(0, 1))
    malformed, after = feed(link, bad + good).events
    assert isinstance(malformed, Malformed)
    assert after == ClipboardGrab(0, (1,))
