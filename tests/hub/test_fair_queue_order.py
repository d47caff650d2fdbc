"""Whatever is done to a fair queue, it does as its rules say."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hub.queues import LARGE, Queue


class Model:
    """What a fair queue holds, and may do, by its rules alone."""

    def __init__(self):
        self.queue = Queue()
        self.waiting = []
        self.bulk = set()
        self.current = None
        #: Bytes of control since bulk went out.
        self.control = 0
        self.put = 0
        self.gone = 0

    def step(self, what, *args):
        getattr(self, what)(*args)
        counted = [*self.waiting, *([self.current] if self.current else [])]
        queue = self.queue
        assert queue.size == sum(s.message.size for s in self.waiting)
        assert queue.count == len(self.waiting)
        for source in "abc":
            own = sum(s.message.size for s in counted if s.source == source)
            assert queue.size_of(source) == own
        assert set(queue.sources) == {s.source for s in counted}

    def add(self, source, size, subject, bulk):
        sending = self.queue.add(source, size, subject=subject, bulk=bulk)
        self.waiting.append(sending)
        if bulk:
            self.bulk.add(sending)
        self.put += 1

    def pop(self):
        message = self.queue.pop()
        if message is None:
            assert not self.waiting
            self.current = None
        else:
            self.current = self._take(message)
            is_bulk = self.current in self.bulk
            self.control = 0 if is_bulk else self.control + message.size

    def pop_between(self):
        message = self.queue.pop_between()
        if message is None:
            return
        assert self.current in self.bulk or self.current.subject is not None
        assert self.current.message.size > LARGE
        assert message.port == 2
        assert message.size <= 2056
        sending = self._take(replace(message, port=1))
        assert sending not in self.bulk
        assert sending.subject is None or sending.subject != self.current.subject

    def cancel(self, index):
        if self.waiting:
            assert self.waiting.pop(index % len(self.waiting)).cancel()
            self.gone += 1

    def clear(self):
        self.queue.clear()
        self.gone += len(self.waiting)
        self.waiting.clear()

    def _take(self, message):
        """Take from what waits the message that came out; it must be in order."""
        (sending,) = [s for s in self.waiting if s.message == message]
        before = self.waiting[: self.waiting.index(sending)]
        if sending.subject is not None:
            assert sending.subject not in {s.subject for s in before}
        elif sending in self.bulk:
            assert not any(s.source == sending.source and self._free(s) for s in before)
        else:
            assert not any(s.subject is None and s not in self.bulk for s in before)
        if sending in self.bulk:
            rest = (s for s in self.waiting if s.subject is None)
            assert all(s in self.bulk for s in rest) or self.control >= LARGE
        self.waiting.remove(sending)
        self.gone += 1
        return sending

    def _free(self, sending):
        return sending.subject is None and sending in self.bulk


_steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("add"),
            st.sampled_from("abc"),
            st.sampled_from([50, 9000, 3 * LARGE]),
            st.sampled_from([None, "s", "t"]),
            st.booleans(),
        ),
        st.sampled_from([("pop",), ("pop_between",), ("clear",)]),
        st.tuples(st.just("cancel"), st.integers(0, 20)),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=400)
@given(steps=_steps)
def test_whatever_comes_goes_out_once_and_in_the_order_of_its_subject(steps):
    model = Model()
    for step in steps:
        model.step(*step)
    while model.current is not None or model.waiting:
        model.step("pop")
    assert model.gone == model.put
    assert model.queue.sources == []
    assert model.queue.pop() is None
