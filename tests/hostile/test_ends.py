"""Peers that leave in the middle of everything, or send nothing that is any good."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.hostile import stages
from tests.hostile.payloads import sample
from tests.hostile.room import (
    CANCELLED,
    RESIZE,
    RESIZED,
    Room,
    answer,
    resize,
    round_trip,
)
from tests.wire.decoding import frame
from vdproxy.testing import LINUX_AGENT
from vdproxy.wire.messages import (
    STANDARD,
    AnnounceCapabilities,
    Clipboard,
    ClipboardRelease,
    FileXferStatus,
)

RELEASED = [ClipboardRelease(0)]
NOTHING = [Clipboard(0, 0, b"")]

#: In every state: who leaves, and what those who stay are told.
LEAVINGS = [
    (stages.nothing, "first", {}),
    (stages.nothing, "agent", {}),
    (stages.guest_owns, "first", {}),
    (stages.guest_owns, "agent", {"first": RELEASED, "other": RELEASED}),
    (stages.first_owns, "first", {"agent": RELEASED, "other": RELEASED}),
    (stages.first_owns, "agent", {}),
    (
        stages.first_is_asked,
        "first",
        {"agent": [*NOTHING, *RELEASED], "other": RELEASED},
    ),
    (stages.first_is_asked, "agent", {}),
    (
        stages.guest_is_asked,
        "agent",
        {"first": RELEASED, "other": [*NOTHING, *RELEASED]},
    ),
    (stages.file_runs, "first", {"agent": [FileXferStatus(1, CANCELLED)]}),
    (stages.file_runs, "agent", {"first": [FileXferStatus(9, CANCELLED)]}),
    (stages.others_file_runs, "first", {}),
    (stages.others_file_runs, "agent", {"other": [FileXferStatus(9, CANCELLED)]}),
]


@pytest.fixture
def room():
    with closing(Room()) as made:
        yield made


@pytest.mark.parametrize("cut", [0, 1, 8, 27, 28, 35])
@pytest.mark.parametrize(("stage", "who", "told"), LEAVINGS)
def test_the_end_comes_in_any_state(room, stage, who, told, cut):
    stage(room)
    leaving = room.everybody[who]
    leaving.feed(frame(4, bytes(9))[:cut])
    leaving.leave()
    for name, one in room.everybody.items():
        if one is not leaving:
            one.hears(*told.get(name, ()))
            one.hears_no_more()
    if who == "agent":
        room.agent.connect()
        room.agent.announce(0)
        room.agent.ignores_what_was_said()
        room.agent.say(RESIZED)
    round_trip(room, room.other)


@pytest.mark.parametrize("message_class", STANDARD, ids=lambda c: c.__name__)
def test_the_end_comes_in_the_middle_of_any_message(message_class):
    with closing(Room()) as room:
        whole = room.first.spell(sample(message_class))
        for end in range(len(whole)):
            leaving = room.vm.client()
            leaving.feed(whole[:end])
            leaving.leave()
            room.agent.feed(whole[:end])
            room.agent.leave()
            room.agent.connect()
            room.agent.hears_question()
            answer(room.agent, RESIZE)
            room.agent.say(RESIZED)
        for one in room.everybody.values():
            one.hears_no_more()
        round_trip(room, room.other)


BAD = frame(2, b"bad")


def test_a_client_is_let_go_after_five_bad_messages_in_a_row(room):
    for _ in range(3):
        room.first.feed(BAD * 4)
        room.first.ignores_what_was_said()
        resize(room, room.first)
    room.lines()
    room.first.feed(BAD * 5)
    bad = "client vdi#1 sent a bad VD_AGENT_MONITORS_CONFIG: 3 bytes are no "
    assert not [line for line in room.lines()[:-1] if not line.startswith(bad)]
    assert room.first.is_let_go


def test_a_guest_is_kept_whatever_it_says_in_good_framing(room):
    room.agent.feed(BAD * 100)
    room.agent.hears_no_more()
    round_trip(room, room.other)


@pytest.mark.parametrize("words", [(), (0,), (2**32 - 1,) * 8])
def test_a_guest_that_announces_nothing_or_everything_can_be_met_again(room, words):
    room.agent.say(AnnounceCapabilities(0, words))
    room.agent.ignores_what_was_said()
    room.agent.capabilities = LINUX_AGENT
    room.agent.announce(1)
    room.agent.negotiate()
    for client in (room.first, room.other):
        client.negotiate()
        client.ignores_what_was_said()
    room.agent.ignores_what_was_said()
    room.agent.say(RESIZED)
    round_trip(room, room.other)
