"""Connections that begin, or go on, in the middle of somebody's old message."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache

import pytest

from tests.link.frames import (
    CLIPBOARD,
    LINUX,
    WINDOWS,
    announce,
    events_of,
    feed,
    feed_each_way,
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
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import AnnounceCapabilities, Message, Reply

OFFER = Capabilities.of(1, 2, 5, 6, 7, 12, 17)
ASKED = announce(1, OFFER.bits)
ANSWERED = announce(0, OFFER.bits)
MARK = announce(0, LINUX)
UP = [AgentUp(Capabilities(LINUX)), AnnounceCapabilities(0, (LINUX,))]
NEW = AnnounceCapabilities(1, (LINUX,))

LONG = 9 * 1024 * 1024 + 5


def asking():
    link = GuestLink(Codec(), OFFER)
    sent(link)
    return link


def synced(word=LINUX):
    link = asking()
    feed(link, announce(0, word))
    return link


@cache
def old_payload(kind):
    """Return what is left of an old message without its headers."""
    pattern = {
        "random": random.Random(4).randbytes(LONG),
        "zeros": b"\0",
        "text": b"What was copied long ago, in many lines.\r\n",
        "whole chunks": frame(CLIPBOARD, b"\x01\0\0\0abc"),
        "huge headers": chunk(message(CLIPBOARD, size=2**31 - 1), size=2**31 - 1),
        "near announcements": MARK[:27],
    }[kind]
    return (pattern * (LONG // len(pattern) + 1))[:LONG]


each_kind = pytest.mark.parametrize(
    "kind",
    [
        "random",
        "zeros",
        "text",
        "whole chunks",
        "huge headers",
        "near announcements",
    ],
)


@each_kind
def test_the_answer_is_found_behind_megabytes_of_an_old_message(kind):
    """H34."""
    link = asking()
    said = feed(link, *in_reads(old_payload(kind)))
    assert said == ([], b"")
    assert not link.synced
    assert feed(link, MARK + reply()) == ([*UP, Reply(2, 1)], b"")


@each_kind
def test_the_answer_is_found_in_the_read_that_ends_the_old_message(kind):
    *reads, last = in_reads(old_payload(kind))
    link = asking()
    assert feed(link, *reads[-2:], last + MARK + reply()).events == [*UP, Reply(2, 1)]


@each_kind
@pytest.mark.parametrize("behind", [b"", b"\0" * 1024], ids=["alone", "more"])
def test_the_answer_is_found_split_at_every_byte_between_two_reads(kind, behind):
    """H34."""
    old = old_payload(kind)[:3001]
    for cut in range(len(MARK) + 1):
        link = asking()
        outcome = feed(link, old + MARK[:cut], MARK[cut:] + behind)
        assert outcome == (UP, b""), f"cut at {cut}"


@each_kind
def test_the_answer_is_found_byte_by_byte(kind):
    old = old_payload(kind)[:1001]
    assert feed_each_way(asking, old + MARK + reply()).events == [*UP, Reply(2, 1)]


@pytest.mark.parametrize("word", [LINUX, WINDOWS, 0, 0xFFFFFFFF])
@pytest.mark.parametrize("count", [0, 1, 2, 8])
@pytest.mark.parametrize("port", [0, 1, 2])
def test_an_announcement_of_any_agent_is_found(word, count, port):
    words = (word,) * count
    outcome = feed_each_way(asking, b"old text!" + announce(0, *words, port=port))
    assert outcome.events == [
        AgentUp(Capabilities.from_words(words)),
        AnnounceCapabilities(0, words),
    ]


def test_of_two_announcements_behind_an_old_message_both_count():
    stream = b"\xff" * 700 + announce(1, LINUX) + MARK + reply()
    outcome = feed_each_way(asking, stream)
    assert outcome == ([NEW, *UP, Reply(2, 1)], ANSWERED)


def test_an_announcement_is_found_behind_each_of_two_old_messages():
    stream = b"\xff" * 700 + announce(1, LINUX) + b"\xff" * 700 + MARK
    outcome = feed_each_way(asking, stream)
    assert outcome == ([NEW, *UP], ANSWERED)


@pytest.mark.parametrize("size", [1, 100, 511, 512, 513, 4096])
def test_an_announcement_inside_the_old_message_does_not_last(size):
    link = asking()
    outcome = feed(link, *in_reads(b"text" * 500 + MARK + b"text" * 3000, size))
    assert outcome.events[:2] == UP
    assert isinstance(outcome.events[2], AgentLost)
    assert len(outcome.events) == 3
    assert outcome.sent == ASKED
    assert feed(link, MARK, MARK, reply()).events == [*UP, UP[1], Reply(2, 1)]


BROKEN = {
    "port 9": chunk(message(CLIPBOARD, b"?"), port=9),
    "port 3": chunk(message(CLIPBOARD, b"?"), port=3),
    "protocol 2": chunk(message(CLIPBOARD, b"?", protocol=2)),
    "type 0": chunk(message(0, b"?")),
    "message of 2**32-1": chunk(message(CLIPBOARD, b"?", size=2**32 - 1)),
    "chunk of 2**32-1": chunk(message(CLIPBOARD, b"?"), size=2**32 - 1),
    "chunk longer than its message": chunk(message(CLIPBOARD, b"??", size=1)),
    "second chunk too long": chunk(message(CLIPBOARD, b"?", size=2)) + chunk(b"??"),
    "large message that is not bulk": chunk(message(1, b"?", size=14)),
}


@pytest.mark.parametrize("stream", BROKEN.values(), ids=BROKEN)
def test_broken_framing_loses_the_agent_and_asks_once(stream):
    outcome = feed_each_way(synced, reply(2) + stream)
    answer, lost = outcome.events
    assert answer == Reply(2, 2)
    assert isinstance(lost, AgentLost)
    assert "at byte " in lost.reason
    assert outcome.sent == ASKED


@pytest.mark.parametrize("stream", BROKEN.values(), ids=BROKEN)
def test_the_agent_is_up_again_after_broken_framing(stream):
    link = synced()
    feed(link, stream)
    assert not link.synced
    assert feed(link, b"text" * 300, reply(), stream) == ([], b"")
    assert feed(link, MARK, reply(2)) == ([*UP, Reply(2, 2)], b"")


@pytest.mark.parametrize("stream", BROKEN.values(), ids=BROKEN)
def test_broken_framing_before_the_answer_goes_unreported(stream):
    assert feed_each_way(asking, stream) == ([], b"")
    assert feed(asking(), stream, MARK) == (UP, b"")


def test_a_new_agent_right_behind_broken_framing_is_answered_and_asked():
    outcome = feed(synced(), b"\xff" * 700 + announce(1, LINUX))
    assert isinstance(outcome.events[0], AgentLost)
    assert outcome.events[1:] == [NEW]
    assert outcome.sent == ANSWERED + ASKED


def test_a_new_agents_mark_may_end_in_a_later_read_than_the_break():
    new = announce(1, LINUX)
    for cut in range(len(new) + 1):
        outcome = feed(synced(), b"\xff" * 9 + new[:cut], new[cut:])
        kinds = Counter(type(event) for event in outcome.events)
        assert kinds == {AgentLost: 1, AnnounceCapabilities: 1}, f"cut at {cut}"
        assert sorted([outcome.sent[:36], outcome.sent[36:]]) == [ANSWERED, ASKED]


#: An old agent's message of 200 bytes on the wire, in one chunk and in several.
OLD = {
    "one chunk": frame(CLIPBOARD, numbers(0, 1) + b"x" * 164),
    "chunks": frame(CLIPBOARD, numbers(0, 1) + b"x" * 140, per_chunk=48),
    "zeros": frame(CLIPBOARD, b"\0" * 172),
}

#: Where they are cut when an announcement supplies just what is missing, so that
#: its end is the end of something for a reader as well.
COMPLETED = {"one chunk": {164}, "chunks": {20}, "zeros": {164}}

#: The same for an announcement of no capabilities: its last eight bytes, behind
#: the 28 that were missing, pass for an empty chunk.
COMPLETED_BY_NONE = {"one chunk": {172}, "chunks": set(), "zeros": {172}}

each_way = pytest.mark.parametrize("way", ["two reads", "one read", "byte by byte"])
each_old = pytest.mark.parametrize("name", OLD)


def meets(old, way, word):
    """Tell whether a new agent is met, and well, behind these bytes of an old one."""
    new = announce(1, word)
    ways = {
        "two reads": [old, new],
        "one read": [old + new],
        "byte by byte": byte_by_byte(old + new),
    }
    link = synced()
    seen, said = feed(link, *ways[way])
    if link.synced:
        link.quiet()
    seen += events_of(link)
    said += sent(link)
    lost = [isinstance(event, AgentLost) for event in seen]
    after = feed(link, announce(0, word), reply(2))
    return (
        sum(lost) == 1
        and seen[lost.index(True) + 1 :] == [AnnounceCapabilities(1, (word,))]
        and sorted([said[:36], said[36:]]) == [ANSWERED, ASKED]
        and after.sent == b""
        and after.events
        == [
            AgentUp(Capabilities(word)),
            AnnounceCapabilities(0, (word,)),
            Reply(2, 2),
        ]
    )


@each_old
@each_way
@pytest.mark.parametrize("word", [LINUX, WINDOWS, 0, 1, 28])
def test_a_new_agent_is_met_wherever_the_old_ones_message_was_cut(name, way, word):
    """H30."""
    left_out = COMPLETED[name] | (set() if word else COMPLETED_BY_NONE[name])
    cuts = [cut for cut in range(201) if cut not in left_out]
    old = OLD[name]
    failed = [cut for cut in cuts if not meets(old[:cut], way, word)]
    assert not failed, f"not met behind this many bytes of the old message: {failed}"


@each_old
@each_way
def test_a_new_agent_is_met_if_its_announcement_completes_the_old_message(name, way):
    """H30."""
    (cut,) = COMPLETED[name]
    assert meets(OLD[name][:cut], way, LINUX)


@each_way
def test_a_new_agent_that_can_do_nothing_is_met_behind_a_cut_message(way):
    assert meets(OLD["one chunk"][:172], way, 0)


def test_silence_inside_a_message_without_an_announcement_changes_nothing():
    link = synced()
    old = OLD["one chunk"]
    feed(link, old[:100])
    link.quiet()
    assert link.synced
    assert events_of(link) == []
    (event,) = feed(link, old[100:]).events
    assert isinstance(event, Message)


def test_an_announcement_inside_a_message_that_goes_on_is_only_its_content():
    """H30."""
    stream = frame(CLIPBOARD, numbers(0, 1) + announce(1, LINUX) + b"more")
    outcome = feed_each_way(synced, stream)
    (event,) = outcome.events
    assert event.data == announce(1, LINUX) + b"more"
    assert outcome.sent == b""


def test_an_announcement_that_was_acted_upon_is_not_found_again():
    link = synced()
    feed(link, OLD["one chunk"][:20])
    link.quiet()
    assert link.synced
    assert feed(link, b"", *byte_by_byte(OLD["one chunk"][20:]), reply()).events[
        1:
    ] == [Reply(2, 1)]


def test_the_rest_of_an_old_message_of_megabytes_hides_no_new_agent():
    """H30."""
    stream = chunk(message(CLIPBOARD, size=LONG), size=LONG + 20)
    link = synced()
    feed(link, stream, *in_reads(old_payload("text")[: LONG // 2]))
    assert feed(link, announce(1, LINUX)) == ([], b"")
    link.quiet()
    lost, announced = events_of(link)
    assert isinstance(lost, AgentLost)
    assert announced == NEW
    assert sent(link) == ANSWERED + ASKED
    assert feed(link, MARK, reply()).events == [*UP, Reply(2, 1)]


def test_an_answer_that_nobody_asked_for_leaves_a_question_to_be_asked():
    link = synced()
    feed(link, OLD["one chunk"][:100], announce(0, LINUX))
    link.quiet()
    events_of(link)
    assert not link.synced
    assert link.unanswered
    link.ask_again()
    assert sent(link).endswith(ASKED)
    feed(link, announce(0, LINUX))
    assert link.synced
