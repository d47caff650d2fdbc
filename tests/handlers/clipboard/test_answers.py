"""Whatever happens, each request has one answer, and none has another's."""

from __future__ import annotations

from collections import Counter, deque

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from tests.handlers.clipboard.desks import BY_DEMAND, JPG, PNG, TEXT, desks
from tests.hub.doubles import GTK
from tests.link.frames import LINUX, WINDOWS
from vdproxy.wire.messages import Clipboard, ClipboardRequest

TYPES = (TEXT, PNG, JPG)

#: Later than that an owner does not answer any more, seconds.
TOO_LATE = 4.75


class Crowd:
    """A guest and clients that ask each other, and answer in their own time."""

    def __init__(self, guest):
        self.world, *clients = desks(GTK, BY_DEMAND, GTK, guest=guest)
        self.ends = [self.world.guest, *clients]
        self.requests = [Counter() for _ in self.ends]
        self.answers = [0 for _ in self.ends]
        self.to_answer = [deque() for _ in self.ends]
        self.grabs = 0

    def grab(self, who, _):
        self.grabs += 1
        self.ends[who].grab(*TYPES)
        self.listen()
        # Slow enough for the guard against loops.
        self.wait(0, 5)

    def release(self, who, _):
        self.ends[who].release()

    def ask(self, who, number):
        kind = TYPES[number % 3]
        self.requests[who][kind] += 1
        self.ends[who].request(kind)

    def answer(self, who, number):
        while self.to_answer[who]:
            since, kind, grab = self.to_answer[who].popleft()
            if self.world.clock.seconds() - since > TOO_LATE:
                continue
            if number % 3:
                self.ends[who].give(b"%d of %d" % (kind, grab), kind)
            else:
                self.ends[who].refuse()
            return

    def wait(self, _, eighths):
        for _ in range(eighths):
            self.world.wait(0.125)
            self.listen()

    def restart(self, _, __):
        self.requests[0].clear()
        self.answers[0] = 0
        self.to_answer[0].clear()
        self.world.guest.start_anew()

    def listen(self):
        for who, end in enumerate(self.ends):
            for message in end.heard():
                if isinstance(message, ClipboardRequest):
                    now = self.world.clock.seconds()
                    self.to_answer[who].append((now, message.type, self.grabs))
                elif isinstance(message, Clipboard):
                    self.answers[who] += 1
                    assert self.answers[who] <= self.requests[who].total()
                    self.check(who, message)

    def check(self, who, answer):
        if answer.data:
            assert answer.data == b"%d of %d" % (answer.type, self.grabs)
            self.requests[who][answer.type] -= 1
            self.answers[who] -= 1
            assert self.requests[who][answer.type] >= 0


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "grab",
                "ask",
                "ask",
                "ask",
                "answer",
                "answer",
                "wait",
                "release",
                "restart",
            ]
        ),
        st.integers(0, 3),
        st.integers(0, 25),
    ),
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@for_all(st.sampled_from([LINUX, WINDOWS]), st.integers(0, 3), STEPS)
def test_each_request_has_one_answer_and_its_own(guest, owner, steps):
    """H9, H11, H13."""
    crowd = Crowd(guest)
    crowd.grab(owner, 0)
    for what, who, number in steps:
        getattr(crowd, what)(who, number)
        crowd.listen()
    crowd.wait(0, 80)
    assert crowd.answers == [requests.total() for requests in crowd.requests]
    crowd.world.guest.leave()
    for end in crowd.ends[1:]:
        end.leave()
    crowd.world.wait(60)
    assert crowd.world.nothing_runs()
