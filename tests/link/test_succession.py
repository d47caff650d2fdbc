"""New agents whose words were taken for the rest of what an old one began to say."""

from __future__ import annotations

import pytest

from tests.link.frames import (
    CLIPBOARD,
    GRAB,
    LINUX,
    WINDOWS,
    announce,
    events_of,
    feed,
    feed_each_way,
    grab,
    in_reads,
    numbers,
    reply,
    sent,
)
from tests.wire.decoding import chunk, frame, message
from tests.wire.feeding import byte_by_byte
from vdproxy.link.events import AgentLost, AgentUp
from vdproxy.link.guest import GuestLink
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.chunk import SkippedMessage
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import AnnounceCapabilities, Clipboard, ClipboardGrab, Reply

OFFER = Capabilities.of(1, 2, 5, 6, 7, 12, 17)
ASKED = announce(1, OFFER.bits)
ANSWERED = announce(0, OFFER.bits)
NEW = announce(1, LINUX)

#: 200 bytes on the wire.
OLD = frame(CLIPBOARD, numbers(0, 1) + b"x" * 164)

#: What an agent that was not told of the change may say to its predecessor's host.
TALK = {
    "a REPLY": reply(),
    "many REPLYs": reply() * 8,
    "a GRAB": grab(0, 1),
    "both": reply() + grab(0, 1) + reply(2),
    "large": frame(CLIPBOARD, numbers(0, 1) + b"y" * 500),
}

WAYS = {
    "one read": lambda old, new: [old + new],
    "two reads": lambda old, new: [old, new],
    "byte by byte": lambda old, new: byte_by_byte(old + new),
}

each_way = pytest.mark.parametrize("way", WAYS)


def synced(word=LINUX):
    link = GuestLink(Codec(), OFFER)
    sent(link)
    feed(link, announce(0, word))
    return link


@pytest.mark.parametrize("reopened", [True, False])
@pytest.mark.parametrize("talk", TALK)
@each_way
def test_nothing_of_a_new_agent_is_taken_for_the_old_ones_message(way, talk, reopened):
    """H30: it goes on talking before it was heard, however much the old one lacked."""
    failed = []
    # A chunk's header that comes alone is taken for the last bytes of a small message.
    lacks = 9 if way == "byte by byte" else 1
    for cut in range(1, len(OLD) - lacks + 1):
        link = synced()
        if reopened:
            link.expect_another(is_there=True)
        events, _ = feed(link, *WAYS[way](OLD[:cut], NEW + TALK[talk]))
        if not reopened and link.synced:
            link.quiet()
            events += events_of(link)
        # A header that is cut in its size may announce more than there may be.
        kinds = [type(event) for event in events if type(event) is not SkippedMessage]
        if kinds != [AgentLost, AnnounceCapabilities]:
            failed.append((cut, events))
    assert not failed


@pytest.mark.parametrize("content", ["more", "", "\0" * 60, "many words " * 40])
@pytest.mark.parametrize("reopened", [True, False])
def test_content_that_looks_like_an_announcement_is_content(content, reopened):
    """H30: also while another agent is expected."""
    data = b"before " + NEW + content.encode() + b"."
    link = synced()
    if reopened:
        link.expect_another(is_there=True)
    stream = frame(CLIPBOARD, numbers(0, 1) + data)
    assert feed(link, stream) == ([Clipboard(0, 1, data)], b"")
    assert feed(link, reply()).events == [Reply(2, 1)]
    assert link.synced


def test_content_that_a_new_agent_would_have_followed_by_less_is_content():
    """H30: one that has not been answered would not go on and on."""
    data = b"before " + NEW + reply()
    stream = frame(CLIPBOARD, numbers(0, 1) + data)
    link = synced()
    assert feed(link, stream).events == []
    events = feed(link, *[reply()] * 150).events
    assert events == [Clipboard(0, 1, data), *[Reply(2, 1)] * 150]
    assert link.synced


def test_an_announcement_that_nothing_of_an_agents_follows_is_content():
    data = b"before " + NEW + b"and so on " * 10
    stream = frame(CLIPBOARD, numbers(0, 1) + data)
    link = synced()
    assert feed(link, stream[:-50]).events == []
    link.quiet()
    assert feed(link, stream[-50:]).events == [Clipboard(0, 1, data)]
    assert link.synced


def test_content_in_many_reads_may_hold_announcements():
    data = (NEW + b"and so on ") * 10_000
    link = synced()
    stream = frame(CLIPBOARD, numbers(0, 1) + data)
    outcome = feed(link, *in_reads(stream, 4096))
    assert outcome == ([Clipboard(0, 1, data)], b"")


@pytest.mark.parametrize("size", range(9, 36))
def test_a_message_that_ends_like_the_beginning_of_an_announcement_waits(size):
    data = b"x" * 50 + NEW[:size]
    stream = frame(CLIPBOARD, numbers(0, 1) + data)
    link = synced()
    assert feed(link, stream).events == []
    assert link.unfinished
    assert feed(link, reply()).events == [Clipboard(0, 1, data), Reply(2, 1)]
    link = synced()
    feed(link, stream)
    link.quiet()
    assert events_of(link) == [Clipboard(0, 1, data)]
    assert link.synced


@pytest.mark.parametrize("digit", [b"0", b"4", b"8", b" "])
def test_a_text_of_one_character_does_not_wait(digit):
    """Type and text together are how an announcement begins."""
    stream = frame(CLIPBOARD, numbers(0, 1) + digit)
    assert feed_each_way(synced, stream).events == [Clipboard(0, 1, digit)]


@pytest.mark.parametrize("types", [(1,), (1, 2), (7, 1)])
def test_no_grab_or_reply_waits_for_what_follows(types):
    """They end like an announcement begins."""
    outcome = feed_each_way(synced, grab(0, *types) + reply())
    assert outcome.events == [ClipboardGrab(0, types, 0), Reply(2, 1)]
    assert feed(synced(), *byte_by_byte(reply())).events == [Reply(2, 1)]


def test_no_grab_waits_whose_serial_is_due():
    """Of 24 to 56 nine look as the size does in the beginning of an announcement."""
    link = synced()
    for serial in range(80):
        events, _ = feed(link, grab(serial, 1))
        assert events == [ClipboardGrab(0, (1,), serial)]


@pytest.mark.parametrize("payload", [numbers(0, 24, 1), numbers(9, 0, 24, 1)])
def test_a_grab_that_is_not_due_or_none_waits(payload):
    """Its end may be the beginning of what a new agent says."""
    link = synced()
    assert feed(link, frame(GRAB, payload)) == ([], b"")
    link.quiet()
    assert len(events_of(link)) == 1


def test_large_data_in_many_reads_wait_even_for_the_first_byte_of_an_announcement():
    data = b"x" * 40_000 + b"\x01"
    link = synced()
    stream = frame(CLIPBOARD, numbers(0, 1) + data)
    assert feed(link, *in_reads(stream, 4096)).events == []
    assert feed(link, NEW[1:]).events[1:] == [AnnounceCapabilities(1, (LINUX,))]
    assert sent(link) == b""


MEGABYTES = 10 * 1024 * 1024


@pytest.mark.parametrize("behind", [b"", reply() * 100])
def test_a_new_agent_is_found_in_the_rest_of_ten_megabytes(behind):
    """H30."""
    begun = chunk(message(CLIPBOARD, size=MEGABYTES), size=MEGABYTES + 20)
    link = synced()
    feed(link, begun + numbers(0, 1), *in_reads(b"x" * (MEGABYTES // 2)))
    assert feed(link, NEW + behind) == ([], b"")
    link.quiet()
    lost, announced, *_ = events_of(link)
    assert (type(lost), announced) == (AgentLost, AnnounceCapabilities(1, (LINUX,)))
    assert sent(link) == ANSWERED + ASKED
    assert feed(link, announce(0, LINUX), reply()).events[-1] == Reply(2, 1)


def test_with_the_word_that_the_port_was_opened_it_is_found_at_once():
    """H30, H32: the word may come before the announcement or behind it."""
    begun = chunk(message(CLIPBOARD, size=MEGABYTES), size=MEGABYTES + 20)
    for early in (True, False):
        link = synced()
        feed(link, begun + numbers(0, 1), b"x" * 70_000)
        if early:
            link.expect_another(is_there=True)
        said = feed(link, NEW).events
        if not early:
            assert said == []
            link.expect_another(is_there=True)
            said = events_of(link)
        assert [type(event) for event in said] == [AgentLost, AnnounceCapabilities]


def test_the_word_of_an_opening_that_was_seen_changes_nothing():
    """H32: it may come a second late."""
    link = synced()
    link.expect_another(is_there=True)
    assert events_of(link) == []
    assert feed(link, reply()).events == [Reply(2, 1)]
    assert link.synced
    feed(link, OLD[:100])
    assert events_of(link) == []
    assert feed(link, OLD[100:]).events == [Clipboard(0, 1, b"x" * 164)]


def test_the_word_counts_until_an_agent_has_announced_itself():
    link = synced()
    link.expect_another(is_there=True)
    feed(link, NEW, announce(0, LINUX))
    feed(link, OLD[:100], NEW)
    assert link.synced, "another is not expected any more"


def test_one_who_opened_the_port_is_asked_again_if_it_does_not_answer():
    link = GuestLink(Codec(), OFFER)
    sent(link)
    assert not link.unanswered
    link.expect_another(is_there=True)
    assert link.unanswered
    link.ask_again()
    assert sent(link) == ASKED


def test_an_agent_in_doubt_is_lost_until_it_answers():
    link = synced()
    link.doubt("it says nothing")
    assert events_of(link) == [AgentLost("it says nothing", replaced=False)]
    assert not link.synced
    assert sent(link) == ASKED
    link.doubt("still nothing")
    assert (events_of(link), sent(link)) == ([], b"")
    assert link.unanswered
    assert feed(link, grab(7, 1), announce(0, LINUX)).events == [
        AgentUp(Capabilities(LINUX)),
        AnnounceCapabilities(0, (LINUX,)),
    ]


@pytest.mark.parametrize("port", [1, 2])
def test_the_rest_of_a_message_can_be_left_out(port):
    link = synced()
    data = numbers(0, 1) + b"x" * 100_000
    stream = frame(CLIPBOARD, data, port=1)
    feed(link, stream[:50_000])
    assert link.skip_rest() == SkippedMessage(1, CLIPBOARD, len(data))
    assert link.skip_rest() is None
    assert feed(link, stream[50_000:], reply(port=port)).events == [Reply(2, 1)]


def test_without_a_message_there_is_no_rest():
    link = synced()
    assert link.skip_rest() is None
    feed(link, frame(GRAB, numbers(0, 0, 1))[:20])
    assert link.skip_rest() is None


def test_an_announcement_that_completes_what_is_skipped_is_a_new_agents():
    link = GuestLink(Codec(max_message=1000), OFFER)
    sent(link)
    feed(link, announce(0, LINUX))
    old = frame(CLIPBOARD, numbers(0, 1) + b"x" * 5000, per_chunk=9999)
    skipped, *seen = feed(link, old[: -len(NEW)], NEW).events
    assert isinstance(skipped, SkippedMessage)
    assert [type(event) for event in seen] == [AgentLost, AnnounceCapabilities]


@pytest.mark.parametrize(("word", "stands"), [(LINUX, True), (WINDOWS, False)])
def test_only_agents_with_serials_are_known_to_stand_a_new_connection(word, stands):
    assert synced(word).reconnects == stands
    assert not GuestLink(Codec(), OFFER).reconnects
