"""The named cases, from a client and from a guest, at a whole hub."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.hostile.room import Room
from tests.hostile.runs import WAYS, run
from tests.hostile.stages import REQUEST, other_owns
from tests.hostile.table import sent_by
from vdproxy.wire.messages import Clipboard


@pytest.mark.parametrize("case", sent_by("client"), ids=str)
def test_of_a_client(case):
    run_each_way(case, "client")


@pytest.mark.parametrize("case", sent_by("guest"), ids=str)
def test_of_a_guest(case):
    run_each_way(case, "guest")


def run_each_way(case, sender):
    for way in WAYS:
        with closing(Room()) as room:
            run(room, case, sender, way)


@pytest.mark.parametrize("forger", ["first", "agent"])
def test_data_that_nobody_asked_for_are_not_kept_for_who_asks(forger):
    with closing(Room()) as room:
        other_owns(room)
        room.everybody[forger].say(Clipboard(0, 1, b"forged"))
        for asker in (room.first, room.agent):
            asker.say(REQUEST)
            room.other.hears(REQUEST)
            room.other.say(Clipboard(0, 1, b"honest"))
            asker.hears(Clipboard(0, 1, b"honest"))
