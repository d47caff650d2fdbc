from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.strategies import u32
from vdproxy.wire.capabilities import Capabilities, Layout
from vdproxy.wire.constants import Capability

#: What spice-vdagentd 0.22.1 announces.
VDAGENTD = 0x00038DE7

numbers = st.sets(st.integers(0, 255))


def test_the_word_of_vdagentd_has_its_twelve_capabilities():
    announced = Capabilities.from_words([VDAGENTD])
    assert list(announced) == [0, 1, 2, 5, 6, 7, 8, 10, 11, 15, 16, 17]
    assert announced.to_words() == (VDAGENTD,)


@pytest.mark.parametrize(
    ("words", "members"),
    [
        ((), []),
        ((0,), []),
        ((1,), [0]),
        ((1 << 31,), [31]),
        ((0, 1), [32]),
        ((1 << 17, 1 << 31, 1), [17, 63, 64]),
    ],
)
def test_bit_n_is_in_word_n_over_32(words, members):
    assert list(Capabilities.from_words(words)) == members


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([], (0,)),
        ([0], (1,)),
        ([31], (1 << 31,)),
        ([32], (0, 1)),
        ([17, 63, 64], (1 << 17, 1 << 31, 1)),
    ],
)
def test_an_announcement_has_as_many_words_as_needed_and_at_least_one(members, words):
    assert Capabilities.of(*members).to_words() == words


def test_trailing_empty_words_make_no_difference():
    assert Capabilities.from_words([5, 0, 0]) == Capabilities.from_words([5])


@given(st.lists(u32, min_size=1, max_size=8).filter(lambda words: words[-1]))
@settings(deadline=None, max_examples=200)
def test_words_survive_the_way_there_and_back(words):
    assert Capabilities.from_words(words).to_words() == tuple(words)


@given(numbers, numbers)
@settings(deadline=None, max_examples=200)
def test_capabilities_are_a_set_of_numbers(left, right):
    a, b = Capabilities.of(*left), Capabilities.of(*right)
    assert list(a) == sorted(left)
    assert set(a | b) == left | right
    assert set(a & b) == left & right
    assert set(a - b) == left - right
    assert bool(a) == bool(left)
    assert (a == b) == (left == right)
    assert all((number in a) == (number in left) for number in range(260))


def test_members_are_given_once_however_often_they_are_named():
    assert list(Capabilities.of(6, 6, 5)) == [5, 6]


def test_names_are_the_headers():
    announced = Capabilities.of(Capability.VD_AGENT_CAP_REPLY, 17)
    assert announced.names() == [
        "VD_AGENT_CAP_REPLY",
        "VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL",
    ]


def test_a_capability_without_a_name_is_told_by_its_number():
    assert Capabilities.of(19, 200).names() == ["19", "200"]


def test_the_first_bit_past_the_known_ones_has_no_name():
    assert Capabilities.of(Capability.VD_AGENT_END_CAP).names() == ["18"]


def test_a_layout_has_what_both_ends_announced():
    layout = Layout.between(Capabilities.of(5, 6, 17), Capabilities.of(6, 17, 40))
    assert layout.both == Capabilities.of(6, 17)
    assert layout.agreed(6)
    assert layout.agreed(17)
    assert not layout.agreed(5)
    assert not layout.agreed(40)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (None, None),
        (Capabilities.of(6), None),
        (None, Capabilities.of(6)),
        (Capabilities(), Capabilities.of(6)),
        (Capabilities.of(6), Capabilities()),
    ],
)
def test_nothing_is_agreed_until_both_have_announced_it(ours, theirs):
    layout = Layout.between(ours, theirs)
    assert layout == Layout()
    assert not layout.agreed(6)
