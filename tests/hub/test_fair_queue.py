from __future__ import annotations

import itertools
from dataclasses import replace
from itertools import combinations
from weakref import ref

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.hub.queues import LARGE, MIB, Queue, messages
from vdproxy.wire.chunk import CutMessage


def test_an_empty_queue_has_nothing():
    queue = Queue()
    assert queue.pop() is None
    assert queue.pop_between() is None
    assert (queue.size, queue.count, queue.sources) == (0, 0, [])
    assert queue.size_of("a") == 0


def test_control_goes_before_bulk_and_in_the_order_it_came():
    """H28."""
    queue = Queue()
    bulk = queue.add("a", bulk=True)
    control = [queue.add(source) for source in "bacab"]
    assert queue.rest() == messages(*control, bulk)


def test_bulk_of_one_source_goes_in_the_order_it_came():
    queue = Queue()
    sendings = [queue.add("a", size, bulk=True) for size in (9000, 50, 70_000, 50)]
    assert queue.rest() == messages(*sendings)


def test_control_that_comes_later_is_next():
    """H28."""
    queue = Queue()
    bulk = queue.add_many("a", 5000, 3)
    assert queue.pop() == bulk[0].message
    control = queue.add("b")
    assert queue.rest() == messages(control, *bulk[1:])


def test_what_does_not_wait_any_more_can_be_dropped_to_no_effect():
    queue = Queue()
    begun, dropped, kept = (queue.add("a", size) for size in (100, 200, 300))
    queue.pop()
    for _ in range(2):
        queue.cancel(begun)
        queue.cancel(dropped)
    assert (queue.size, queue.size_of("a")) == (300, 400)
    assert queue.rest() == messages(kept)


def served_while_busy(queue, sendings):
    """
    Pop while every source has bulk waiting; yield the bytes each has been served,
    at first and after each message.
    """
    whose = {s.message.number: s.source for s in sendings}
    waits = dict.fromkeys(whose.values(), 0)
    for source in whose.values():
        waits[source] += 1
    served = dict.fromkeys(waits, 0)
    yield dict(served)
    while all(waits.values()):
        message = queue.pop()
        source = whose[message.number]
        waits[source] -= 1
        served[source] += message.size
        yield dict(served)


def assert_fair(queue, sendings):
    """Check that no source is ahead of another by more than a message of each."""
    largest = {}
    for sending in sendings:
        size = sending.message.size
        largest[sending.source] = max(size, largest.get(sending.source, 0))
    history = list(served_while_busy(queue, sendings))
    for one, other in combinations(largest, 2):
        ahead = [served[one] - served[other] for served in history]
        assert max(ahead) - min(ahead) <= largest[one] + largest[other]


@pytest.mark.parametrize(
    "mix",
    [
        {"a": [65_536] * 20, "b": [65_536] * 20},
        {"a": [65_536] * 10, "b": [100] * 7000},
        {"a": [65_536, 100] * 20, "b": [2056] * 700},
        {"a": [65_536] * 20, "b": [40_000] * 20, "c": [100] * 9000},
        {"a": [100] * 50, "b": [100] * 50, "c": [100] * 50, "d": [65_536] * 2},
    ],
    ids=["alike", "tiny", "mixed", "three", "four"],
)
def test_sources_with_bulk_are_served_alike_by_bytes(mix):
    """H28."""
    queue = Queue()
    sendings = [
        queue.add(source, size, bulk=True)
        for source, sizes in mix.items()
        for size in sizes
    ]
    assert_fair(queue, sendings)


_sizes = st.lists(
    st.one_of(st.integers(0, 65_000), st.sampled_from([0, 2028, 2029, 65_000])).map(
        lambda size: CutMessage(200, bytes(size)).size
    ),
    min_size=1,
    max_size=30,
)


@given(mix=st.lists(_sizes, min_size=2, max_size=4))
@example(mix=[[65_536] * 9, [28] * 30])
def test_any_sources_with_bulk_are_served_alike_by_bytes(mix):
    queue = Queue()
    sendings = [
        queue.add(source, size, bulk=True)
        for source, sizes in enumerate(mix)
        for size in sizes
    ]
    assert_fair(queue, sendings)


def test_a_source_that_comes_later_is_served_alike_from_then_on():
    queue = Queue()
    first = queue.add_many("a", 60_000, 60)
    for _ in range(20):
        queue.pop()
    later = queue.add_many("b", 60_000, 30)
    assert_fair(queue, first[20:] + later)


def test_a_source_that_was_idle_has_no_claim_to_what_it_did_not_use():
    queue = Queue()
    both = queue.add_many("a", 60_000, 40) + queue.add_many("b", 60_000, 2)
    for _ in range(22):
        queue.pop()
    back = queue.add_many("b", 60_000, 20)
    assert_fair(queue, [s for s in both if s.source == "a"][20:] + back)


def test_a_source_that_was_served_alone_pays_nothing_for_it():
    queue = Queue()
    queue.add_many("a", 60_000, 30)
    queue.rest()
    assert_fair(queue, queue.add_many("b", 60_000, 10) + queue.add_many("a", 60_000, 9))


def test_a_huge_message_is_charged_no_more_than_1_mib():
    queue = Queue()
    huge = queue.add("a", 8 * MIB, bulk=True)
    small = queue.add("a", bulk=True)
    others = queue.add_many("b", 65_536, 40)
    order = queue.rest()
    assert order[0] == huge.message
    between = order[1 : order.index(small.message)]
    assert between == messages(*others[: len(between)])
    assert MIB - 65_536 <= sum(message.size for message in between) <= MIB + 65_536


def test_messages_about_one_subject_wait_for_each_other_whoever_sends_them():
    queue = Queue()
    first = queue.add("a", 9000, subject="s", bulk=True)
    others = [queue.add("b", bulk=bulk, subject="s") for bulk in (False, True, False)]
    free = queue.add("b", subject="t")
    assert queue.rest() == messages(free, first, *others)


def test_a_message_about_the_subject_of_the_one_being_sent_waits_for_its_end():
    queue = Queue()
    current = queue.add("a", 300_000, subject="s", bulk=True)
    assert queue.pop() == current.message
    late = queue.add("b", subject="s")
    assert queue.pop_between() is None
    assert queue.pop() == late.message


def test_a_subject_is_forgotten_with_its_last_message():
    queue = Queue()
    queue.add("a", subject="s", bulk=True)
    queue.rest()
    bulk = queue.add("a", bulk=True)
    control = queue.add("b", subject="s")
    assert queue.rest() == messages(control, bulk)


def test_control_that_came_first_does_not_make_later_control_overtake_bulk():
    """A GRAB, its data and a RELEASE: the first of them goes out meanwhile."""
    queue = Queue()
    grab = queue.add("a", subject="s")
    data = queue.add("a", 300_000, subject="s", bulk=True)
    assert [queue.pop(), queue.pop()] == messages(grab, data)
    release = queue.add("a", subject="s")
    assert queue.pop_between() is None
    assert queue.pop() == release.message


def test_between_the_chunks_of_a_large_message_control_takes_the_other_port():
    """H28."""
    queue = Queue()
    queue.add("a", LARGE + 100, bulk=True)
    queue.add("b", bulk=True)
    queue.pop()
    control = [queue.add(source) for source in "bac"]
    expected = [replace(message, port=2) for message in messages(*control)]
    assert [queue.pop_between() for _ in range(4)] == [*expected, None]
    assert queue.size_of("b") == 100
    assert queue.count == 1


@pytest.mark.parametrize(
    ("size", "worth_it"), [(100, False), (LARGE, False), (LARGE + 1, True)]
)
def test_a_message_up_to_256_kib_is_not_worth_a_detour(size, worth_it):
    queue = Queue()
    queue.add("a", size, bulk=True)
    queue.pop()
    queue.add("b")
    assert bool(queue.pop_between()) == worth_it


def test_a_message_that_has_not_been_popped_is_no_reason_for_a_detour():
    queue = Queue()
    queue.add("a", 3 * LARGE, bulk=True)
    control = queue.add("b")
    assert queue.pop_between() is None
    assert queue.pop() == control.message


def test_a_control_message_of_several_chunks_waits_and_is_not_overtaken():
    """The Windows agent reads single chunks on port 2 (protocol.md, 1.2)."""
    queue = Queue()
    queue.add("a", 3 * LARGE, bulk=True)
    queue.pop()
    control = [queue.add("b", size) for size in (2056, 2085, 50)]
    assert queue.pop_between() == replace(control[0].message, port=2)
    assert queue.pop_between() is None
    assert queue.rest() == messages(*control[1:])


@pytest.mark.parametrize("subject", [None, "s"])
def test_control_is_not_overtaken_however_large(subject):
    queue = Queue()
    queue.add("a", 3 * LARGE, subject="s")
    queue.pop()
    small = queue.add("b", subject=subject)
    assert queue.pop_between() is None
    assert queue.pop() == small.message


def test_what_is_cancelled_is_never_sent():
    queue = Queue()
    kept, dropped = (queue.add("a", subject="s", bulk=True) for _ in range(2))
    assert dropped.cancel()
    assert (queue.count, queue.size, queue.size_of("a")) == (1, 100, 100)
    assert queue.times_cancelled == 1
    assert not dropped.cancel()
    assert queue.rest() == messages(kept)
    assert queue.times_cancelled == 1
    assert queue.sources == []


@pytest.mark.parametrize("between", [False, True])
def test_what_has_begun_cannot_be_cancelled(between):
    queue = Queue()
    begun = queue.add("a", 3 * LARGE, bulk=True)
    queue.pop()
    if between:
        begun = queue.add("b")
        queue.pop_between()
    assert not begun.cancel()
    assert queue.times_cancelled == 0
    assert queue.size_of("a") == 3 * LARGE


def test_a_queue_that_is_empty_keeps_nothing_of_its_sources():
    class Source:
        """A client that may leave."""

    source, queue = Source(), Queue()
    queue.add(source, subject="s", bulk=True)
    queue.add(source)
    queue.rest()
    left = ref(source)
    del source
    assert left() is None


def test_clear_keeps_nothing_but_lets_the_message_that_is_being_sent_end():
    queue = Queue()
    queue.add("a", 3 * LARGE, subject="s", bulk=True)
    queue.pop()
    waiting = [queue.add(source, bulk=bulk) for source in "abc" for bulk in (0, 1)]
    queue.clear()
    assert (queue.size, queue.count) == (0, 0)
    assert queue.sources == ["a"]
    assert queue.size_of("a") == 3 * LARGE
    assert not any(sending.cancel() for sending in waiting)
    assert queue.times_cancelled == 0
    same = queue.add("b", subject="s")
    assert queue.pop_between() is None
    assert queue.rest() == messages(same)
    assert queue.sources == []


def test_control_without_end_leaves_bulk_a_turn():
    """H28."""
    queue = Queue()
    bulk = queue.add_many("b", 9000, 3)
    for _ in range(300):
        queue.add("a", 10_000)
    popped = queue.rest()
    places = [popped.index(sending.message) for sending in bulk]
    assert places == sorted(places)
    assert places[0] <= LARGE // 10_000 + 1
    assert all(b - a <= LARGE // 10_000 + 2 for a, b in itertools.pairwise(places))


def test_bulk_that_has_its_turn_does_not_overtake_control_about_its_subject():
    queue = Queue()
    for _ in range(30):
        queue.add("a", 10_000)
    control = queue.add("b", 100, subject="s")
    bulk = queue.add("b", 9000, subject="s", bulk=True)
    popped = queue.rest()
    assert popped[-2:] == messages(control, bulk)


def test_of_clients_that_have_left_no_lane_is_left():
    queue = Queue()
    for number in range(100):
        queue.add_many("stays", 9000, 1)
        queue.add(f"client {number}", 9000, bulk=True)
        queue.pop()
        queue.pop()
    assert len(queue._bulk) < 5
