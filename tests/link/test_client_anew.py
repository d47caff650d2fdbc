"""Clients that become ready more than once."""

from __future__ import annotations

import pytest

from tests.link.frames import (
    announce,
    feed,
    feed_each_way,
    grab,
    monitors_config,
    sent,
    spelled,
)
from tests.wire.decoding import frame
from vdproxy.link.client import ClientLink
from vdproxy.link.events import ClientReady, ClientRenewed, MessageReceived
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.chunk import ChunkHeader
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    ClipboardGrab,
    MonConfig,
    MonitorsConfig,
    Reply,
)

OFFER = Capabilities.of(1, 2, 5, 6, 17)
WORD = OFFER.bits
GONE = 13
ANEW = [ClientRenewed(), ClientReady()]


def new(**options):
    return ClientLink(Codec(), **options)


def offered(**options):
    link = new(**options)
    link.offer(OFFER)
    sent(link)
    return link


def ready(**options):
    link = offered(**options)
    feed(link, announce(0, WORD))
    return link


def told(request):
    return AnnounceCapabilities(request, (WORD,))


@pytest.mark.parametrize("questions", [0, 1])
def test_a_question_answers_another_offer_as_well(questions):
    link = ready()
    feed(link, *[announce(1, WORD)] * questions)
    link.offer(Capabilities.of(1, 2))
    sent(link)
    events = [ClientRenewed()] * questions + [ClientReady()]
    outcome = feed(link, announce(1, WORD))
    assert outcome == ([told(1), *events], announce(0, 6))
    assert feed(link, announce(0, WORD)).events == [told(0)]


def test_two_offers_of_which_one_is_answered_make_ready_once():
    link = ready()
    link.offer(Capabilities.of(1))
    link.offer(Capabilities.of(1, 2))
    outcome = feed(link, announce(0, WORD), announce(0, WORD))
    assert outcome.events.count(ClientReady()) == 1


@pytest.mark.parametrize("port", [1, 2])
def test_a_client_that_says_it_has_gone_has_begun_anew(port):
    """H21."""
    assert feed_each_way(ready, frame(GONE, port=port)) == (ANEW, b"")


def test_each_time_a_client_says_it_has_gone_it_has_begun_anew():
    link = ready()
    assert feed(link, frame(GONE) * 3) == (ANEW * 3, b"")
    assert link.ready


@pytest.mark.parametrize("make", [new, offered])
def test_a_client_that_was_never_ready_has_not_gone(make):
    assert feed_each_way(make, frame(GONE, port=2)) == ([], b"")


def test_a_client_that_announced_itself_without_an_offer_has_not_gone():
    link = new()
    feed(link, announce(1, WORD))
    assert feed(link, frame(GONE)) == ([], b"")
    link.offer(OFFER)
    assert feed(link, b"").events == [ClientReady()]


def test_serials_go_on_over_a_client_that_says_it_has_gone():
    """H18 and H21."""
    link = ready()
    feed(link, grab(0, 1))
    spelled(link, ClipboardGrab(1, (1,)))
    feed(link, frame(GONE, port=2))
    assert feed(link, grab(1, 1)).events == [ClipboardGrab(0, (1,), 1)]
    assert spelled(link, ClipboardGrab(1, (1,))) == grab(1, 1, selection=1)


def test_a_message_between_the_chunks_of_another_may_say_that_the_client_has_gone():
    """H21."""
    stream = monitors_config(8, 6, per_chunk=24)
    cut = 24 + 8
    outcome = feed_each_way(ready, stream[:cut] + frame(GONE, port=2) + stream[cut:])
    assert outcome.events == [*ANEW, MonitorsConfig(0, (MonConfig(8, 6),))]


def test_a_client_that_says_it_has_gone_and_asks_anew_is_renewed_by_each():
    link = offered()
    feed(link, announce(1, WORD))
    outcome = feed(link, frame(GONE), announce(1, WORD))
    assert outcome == ([*ANEW, told(1), *ANEW], announce(0, WORD))


def test_its_headers_are_reported_where_asked_for():
    link = ready(report_headers=True)
    expected = [ChunkHeader(2, 20), MessageReceived(GONE, 0), *ANEW]
    assert feed(link, frame(GONE, port=2)).events == expected


@pytest.mark.parametrize("anew", [frame(GONE, b"", 2), announce(1, WORD)])
def test_a_client_that_begins_anew_is_not_answered_on_a_port_from_before(anew):
    """H26."""
    link = ready()
    feed(link, announce(1, WORD), monitors_config(port=2), anew)
    feed(link, monitors_config(port=1))
    (cut,) = [link.encode(Reply(2, 1))]
    assert cut.port == 1


def test_a_grab_that_crosses_another_offer_and_a_grab_of_ours_loses():
    """H2, H18."""
    link = ready()
    feed(link, grab(0, 1), grab(1, 1))
    link.offer(OFFER | Capabilities.of(7))
    spelled(link, ClipboardGrab(0, (2,)))
    (event,) = feed(link, grab(2, 1)).events
    assert not isinstance(event, ClipboardGrab)
    feed(link, announce(0, WORD))
    assert feed(link, grab(1, 1)).events == [ClipboardGrab(0, (1,), 1)]
