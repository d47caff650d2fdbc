"""One case in one room, and whether it came to what it must."""

from __future__ import annotations

from typing import Any

from tests.hostile.case import CLOSED, KEPT, OUT_OF_STEP, Case, Verdict
from tests.hostile.room import RESIZE, RESIZED, answer, round_trip
from vdproxy.wire.messages import ClipboardGrab

#: How the bytes come: in one read, each in a read of its own, with a whole message
#: behind them in the same read, with a part of one whose rest comes in the next.
WAYS = ("whole", "bytes", "behind", "astride")

#: Of more than this the first bytes come one by one, and the rest in one read.
_SINGLE_BYTES = 3000

_IMAGE = ClipboardGrab(0, (2,))


def run(room: Any, case: Case, sender: str, way: str) -> None:
    """Have *sender*, client or guest, send a case, and check what comes of it."""
    verdict = case.client if sender == "client" else case.guest
    assert verdict is not None
    case.stage(room)
    hostile = room.first if sender == "client" else room.agent
    room.lines()
    start = hostile.sent
    data = case.bytes_of(hostile)
    fence = hostile.spell(RESIZE if sender == "client" else _IMAGE)
    if way == "bytes":
        for byte in data[:_SINGLE_BYTES]:
            hostile.feed(bytes([byte]))
        hostile.feed(data[_SINGLE_BYTES:])
    elif way == "whole":
        hostile.feed(data)
    elif way == "behind":
        hostile.feed(data + fence)
    else:
        hostile.feed(data + fence[:11])
    room.settle()
    for name, messages in verdict.told.items():
        room.everybody[name].hears(*messages)
    verdict.then(room)
    if way == "astride":
        hostile.feed(fence[11:])
    elif way in ("whole", "bytes") and verdict.fate == KEPT:
        hostile.feed(fence)
    _check_fate(room, verdict, sender)
    lines = room.lines()
    assert lines == verdict.lines_at(start), f"logged {lines}"
    for end in room.everybody.values():
        end.hears_no_more()
    _check_others(room, verdict, sender)


def _check_fate(room: Any, verdict: Verdict, sender: str) -> None:
    if verdict.fate == CLOSED:
        assert room.first.is_let_go
    elif verdict.fate == OUT_OF_STEP:
        room.agent.hears_question()
    elif sender == "client":
        room.agent.hears(RESIZE)
        room.agent.say(RESIZED)
        room.first.hears(RESIZED)
    else:
        room.first.hears(_IMAGE)
        room.other.hears(_IMAGE)


def _check_others(room: Any, verdict: Verdict, sender: str) -> None:
    """Check that everybody is served who has done nothing."""
    if verdict.fate == CLOSED:
        room.first.leave()
    elif verdict.fate == OUT_OF_STEP:
        answer(room.agent, RESIZE)
        room.agent.say(RESIZED)
    round_trip(room, room.other)
    if sender == "guest":
        room.first.ignores_what_was_said()
        round_trip(room, room.first)
