from __future__ import annotations

import pytest

from tests.link.frames import (
    ANNOUNCE,
    CLIPBOARD,
    GRAB,
    LINUX,
    REPLY,
    WINDOWS,
    announce,
    bare_grab,
    events_of,
    feed,
    feed_each_way,
    monitors_config,
    numbers,
    reply,
    sent,
    spelled,
)
from tests.wire.decoding import chunk, frame, message
from vdproxy.errors import LocalProtocolError
from vdproxy.link.events import AgentLost, AgentUp, Malformed, MessageReceived
from vdproxy.link.guest import GuestLink
from vdproxy.wire.assembly import Assembling
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.chunk import ChunkHeader, SkippedMessage
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import AnnounceCapabilities, Clipboard, ClipboardGrab, Reply

OFFER = Capabilities.of(1, 2, 5, 6, 7, 12, 17)
WORD = OFFER.bits
ASKED = announce(1, WORD)
ANSWERED = announce(0, WORD)

#: CLIENT_DISCONNECTED on the other port.
GONE = frame(13, b"", 2)


def asking(codec=None, **options):
    """Return a link whose question is on its way."""
    link = GuestLink(codec or Codec(), OFFER, **options)
    sent(link)
    return link


def synced(*words, codec=None, **options):
    """Return a link to an agent that announces *words*, the Linux agent's if none."""
    link = asking(codec, **options)
    feed(link, announce(0, *(words or [LINUX])))
    assert link.synced
    return link


def up(*words, request=0):
    """Return the events of an agent's answer."""
    announcement = AnnounceCapabilities(request, words)
    return [AgentUp(announcement.capabilities), announcement]


def test_a_connection_begins_with_one_question_and_no_more():
    """H31."""
    link = GuestLink(Codec(), OFFER)
    assert sent(link) == ASKED
    assert sent(link) == b""
    assert link.offered == OFFER
    assert not link.synced


def test_a_silent_guest_is_told_nothing_more():
    link = asking()
    link.ask_again()
    link.quiet()
    assert events_of(link) == []
    assert sent(link) == b""
    assert not link.unanswered


@pytest.mark.parametrize(
    "stream",
    [
        bare_grab(1),
        reply(),
        reply(port=2),
        frame(CLIPBOARD, numbers(1) + b"old", per_chunk=5),
        frame(REPLY, b"short"),
        frame(1000, b"?"),
        chunk(message(CLIPBOARD, numbers(1) + b"big" * 100)),
        chunk(b""),
    ],
    ids=[
        "grab",
        "reply",
        "port-2",
        "clipboard",
        "malformed",
        "unknown",
        "skipped",
        "empty",
    ],
)
def test_all_but_announcements_is_dropped_until_the_answer(stream):
    """H33."""

    def make():
        return asking(Codec(max_message=100))

    assert feed_each_way(make, stream, following=stream) == ([], b"")


@pytest.mark.parametrize("words", [(LINUX,), (WINDOWS,), (), (0,), tuple(range(1, 9))])
def test_an_answer_means_that_the_agent_is_up(words):
    outcome = feed_each_way(asking, announce(0, *words))
    assert outcome == (up(*words), b"")
    link = synced(*words) if words else asking()
    feed(link, announce(0, *words))
    assert link.announced == Capabilities.from_words(words)


def test_what_follows_the_answer_in_the_same_read_is_delivered():
    outcome = feed_each_way(asking, announce(0, LINUX) + reply(2))
    assert outcome.events == [*up(LINUX), Reply(2, 2)]


def test_what_precedes_the_answer_in_the_same_read_is_not_delivered():
    """H33."""
    outcome = feed_each_way(asking, bare_grab(1) + announce(0, LINUX))
    assert outcome.events == up(LINUX)


def test_a_fresh_agents_question_is_answered_and_ours_is_not_repeated():
    outcome = feed_each_way(asking, announce(1, LINUX))
    assert outcome == ([AnnounceCapabilities(1, (LINUX,))], ANSWERED)


def test_questions_that_crossed_are_both_answered_once():
    outcome = feed_each_way(asking, announce(1, LINUX) + announce(0, LINUX))
    assert outcome.events == [AnnounceCapabilities(1, (LINUX,)), *up(LINUX)]
    assert outcome.sent == ANSWERED


def test_an_answer_before_the_agents_own_question_is_undone_by_it():
    outcome = feed(asking(), announce(0, LINUX), announce(1, LINUX))
    assert [type(event) for event in outcome.events[2:]] == [
        AgentLost,
        AnnounceCapabilities,
    ]


def test_a_question_in_sync_is_a_new_agent():
    link = synced()
    outcome = feed(link, announce(1, WINDOWS))
    assert outcome.events == [
        AgentLost("the agent was started anew", replaced=True),
        AnnounceCapabilities(1, (WINDOWS,)),
    ]
    assert outcome.sent == ANSWERED + ASKED
    assert not link.synced
    assert feed(link, bare_grab(1)) == ([], b"")
    assert feed(link, announce(0, WINDOWS)) == (up(WINDOWS), b"")


def test_a_question_in_sync_reads_the_same_however_it_comes():
    outcome = feed_each_way(synced, announce(1, LINUX) + announce(0, LINUX))
    assert outcome.events == [
        AgentLost("the agent was started anew", replaced=True),
        AnnounceCapabilities(1, (LINUX,)),
        *up(LINUX),
    ]
    assert outcome.sent == ANSWERED + ASKED


def test_a_second_answer_only_changes_what_is_announced():
    link = synced(LINUX)
    outcome = feed(link, announce(0, WINDOWS))
    assert outcome == ([AnnounceCapabilities(0, (WINDOWS,))], b"")
    assert link.synced
    assert link.announced == Capabilities(WINDOWS)


@pytest.mark.parametrize("port", [0, 1, 2])
@pytest.mark.parametrize("per_chunk", [1, 7, 2048])
def test_an_announcement_counts_on_every_port_and_in_any_chunks(port, per_chunk):
    stream = frame(ANNOUNCE, numbers(0, LINUX), port, per_chunk)
    assert feed_each_way(asking, stream) == (up(LINUX), b"")


def test_a_malformed_announcement_is_reported_and_changes_nothing():
    link = asking()
    (event,) = feed(link, frame(ANNOUNCE, b"\0" * 6)).events
    assert isinstance(event, Malformed)
    assert event.number == ANNOUNCE
    assert not link.synced
    assert feed(link, announce(0, LINUX)).events == up(LINUX)


def test_nothing_can_be_sent_before_the_agent_has_answered():
    """H31."""
    link = asking()
    feed(link, announce(1, LINUX))
    with pytest.raises(LocalProtocolError, match="no agent has answered"):
        link.encode(Reply(2, 1))


def test_nothing_can_be_sent_after_the_agent_was_lost():
    link = synced()
    assert spelled(link, Reply(2, 1)) == reply()
    feed(link, announce(1, LINUX))
    with pytest.raises(LocalProtocolError, match="no agent has answered"):
        link.encode(Reply(2, 1))


def test_by_demand_cannot_be_announced_without_selection():
    """H41."""
    with pytest.raises(LocalProtocolError, match="without CLIPBOARD_SELECTION"):
        GuestLink(Codec(), Capabilities.of(1, 5))


@pytest.mark.parametrize("offer", [(), (6,), (5, 6), (1, 200)])
def test_other_offers_are_announced_as_they_are(offer):
    capabilities = Capabilities.of(*offer)
    link = GuestLink(Codec(), capabilities)
    assert sent(link) == announce(1, *capabilities.to_words())


@pytest.mark.parametrize("sign", [b"\0", bare_grab(1), b"\xff" * 9])
def test_the_question_is_repeated_once_after_a_sign_of_life(sign):
    link = asking()
    assert not link.unanswered
    feed(link, sign)
    assert link.unanswered
    link.ask_again()
    assert sent(link) == ASKED
    feed(link, sign)
    assert not link.unanswered
    link.ask_again()
    assert sent(link) == b""


def test_the_question_may_be_repeated_once_in_each_life():
    link = asking()
    for _ in range(3):
        feed(link, announce(1, LINUX))
        sent(link)
        assert link.unanswered
        assert not link.mute
        link.ask_again()
        assert sent(link) == GONE + ASKED
        assert not link.unanswered
        assert link.mute
    feed(link, announce(0, LINUX))
    assert not link.mute


def test_windows_is_asked_again_and_told_nothing_else():
    link = asking()
    feed(link, announce(1, WINDOWS))
    sent(link)
    link.ask_again()
    assert sent(link) == ASKED
    assert not link.mute


def test_an_answered_question_is_not_repeated():
    link = synced()
    feed(link, reply())
    assert not link.unanswered
    link.ask_again()
    assert sent(link) == b""


def test_the_answer_to_a_repeated_question_changes_nothing_more():
    link = asking()
    feed(link, bare_grab(1))
    link.ask_again()
    sent(link)
    assert feed(link, announce(0, LINUX)).events == up(LINUX)
    assert feed(link, announce(0, LINUX)).events == up(LINUX)[1:]


def test_each_question_of_ours_puts_the_agents_serials_back_to_0():
    link = GuestLink(Codec(), Capabilities.of(5, 6, 17))
    feed(link, bare_grab(1))
    link.ask_again()
    feed(link, announce(0, LINUX))
    for _ in range(2):
        (event,) = feed(link, frame(GRAB, numbers(0, 0, 1))).events
        assert event == ClipboardGrab(0, (1,), 0)
        feed(link, announce(0, LINUX))


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (reply(port=2), [Reply(2, 1)]),
        (reply(port=0), [Reply(2, 1)]),
        (monitors_config(port=2), []),
        (frame(1000, b"?", port=2), []),
        (frame(CLIPBOARD, b"\0" * 3, port=2), []),
    ],
)
def test_of_the_server_port_only_replies_count(stream, expected):
    """H40."""
    outcome = feed_each_way(synced, stream)
    assert outcome == (expected, b"")


def test_port_0_is_the_client_port_and_joins_its_messages():
    whole = message(CLIPBOARD, numbers(0, 1) + b"text")
    stream = chunk(whole[:20], port=1) + chunk(whole[20:], port=0)
    assert feed_each_way(synced, stream).events == [Clipboard(0, 1, b"text")]


def test_an_oversize_clipboard_is_reported_and_counted_off():
    def make():
        return synced(codec=Codec(max_message=100))

    payload = numbers(0, 1) + b"x" * 101
    stream = chunk(message(CLIPBOARD, payload)) + reply(2)
    outcome = feed_each_way(make, stream)
    assert outcome.events == [SkippedMessage(1, CLIPBOARD, 109), Reply(2, 2)]
    assert outcome.sent == b""


@pytest.mark.parametrize(
    ("number", "payload"), [(REPLY, b"short"), (CLIPBOARD, b"\0" * 7), (7, b"\x03")]
)
def test_a_bad_payload_is_reported_and_the_stream_goes_on(number, payload):
    outcome = feed_each_way(synced, frame(number, payload) + reply(2))
    malformed, after = outcome.events
    assert isinstance(malformed, Malformed)
    assert (malformed.number, malformed.payload) == (number, payload)
    assert malformed.reason
    assert after == Reply(2, 2)


def test_headers_are_reported_where_asked_for_even_before_the_answer():
    def make():
        return asking(report_headers=True)

    stream = bare_grab(1) + announce(0, LINUX)
    assert feed_each_way(make, bare_grab(1)).events == [
        ChunkHeader(1, 24),
        MessageReceived(7, 4),
    ]
    assert feed(make(), *stream.partition(bare_grab(1))[1:]).events == [
        ChunkHeader(1, 24),
        MessageReceived(7, 4),
        ChunkHeader(1, 28),
        MessageReceived(ANNOUNCE, 8),
        *up(LINUX),
    ]


def test_the_header_of_bulk_tells_the_size_of_all_its_payload():
    link = synced(report_headers=True)
    stream = frame(CLIPBOARD, numbers(0, 1) + b"text")
    assert MessageReceived(CLIPBOARD, 12) in feed(link, stream).events


def test_a_message_in_doubt_is_held():
    link = synced()
    data = b"x" * 50 + announce(1, LINUX)[:20]
    assert feed(link, frame(CLIPBOARD, numbers(0, 1) + data)).events == []
    assert link.held == 8 + len(data)
    link.quiet()
    assert events_of(link) == [Clipboard(0, 1, data)]
    assert link.held == 0


def test_the_message_that_is_coming_in_can_be_seen():
    link = synced()
    stream = frame(CLIPBOARD, numbers(0, 1) + b"text")
    assert link.assembling is None
    assert not link.unfinished
    feed(link, stream[:-3])
    assert link.assembling == Assembling(CLIPBOARD, 9, 12)
    assert link.unfinished
    feed(link, stream[-3:])
    assert link.assembling is None
    assert not link.unfinished


def test_after_broken_framing_nothing_is_coming_in():
    link = synced()
    feed(link, b"\xff" * 8)
    assert link.assembling is None
    assert not link.unfinished
