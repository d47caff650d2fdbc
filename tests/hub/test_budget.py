"""What all VMs of a process may hold, and who waits for room."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from vdproxy.errors import Refused
from vdproxy.hub.budget import Budget, Holding, Limits, Share

MIB = 1024 * 1024


class Member:
    """One that is amid a large message."""

    def __init__(self, name):
        self.name = name
        self.waits = False
        self.given_up = ""

    def wait_for_room(self):
        assert not self.waits
        self.waits = True

    def have_room(self):
        assert self.waits
        self.waits = False

    def give_up(self, reason):
        self.given_up = reason


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def budget():
    return Budget(max_memory=100 * MIB)


@pytest.fixture
def share(budget, clock):
    return Share(budget, Limits(max_stall=10), clock)


@pytest.fixture
def other(budget, clock):
    return Share(budget, Limits(max_stall=10), clock)


def waiting(*members):
    return "".join(member.name for member in members if member.waits)


def line(share, names="abc"):
    """Return members that stand in the share's line."""
    members = [Member(name) for name in names]
    for member in members:
        share.join(member)
    return members


def test_nobody_waits_while_no_more_is_held_than_left(share):
    members = line(share)
    Holding(share).set(50 * MIB)
    assert waiting(*members) == ""


def test_the_first_alone_goes_on_while_more_is_held_than_left(share):
    members = line(share)
    Holding(share).set(51 * MIB)
    assert waiting(*members) == "bc"
    assert not share.full


def test_nobody_goes_on_while_three_times_as_much_is_held_as_left(share):
    members = line(share)
    Holding(share).set(76 * MIB)
    assert waiting(*members) == "abc"
    assert share.full


def test_all_go_on_when_there_is_room(share):
    members, holding = line(share), Holding(share)
    holding.set(76 * MIB)
    holding.set(51 * MIB)
    assert waiting(*members) == "bc"
    holding.set(0)
    assert waiting(*members) == ""


def test_the_next_goes_on_when_the_first_has_ended(share):
    members = line(share)
    Holding(share).set(51 * MIB)
    share.leave(members[0])
    assert waiting(*members[1:]) == "c"


def test_one_that_joins_while_memory_is_short_waits(share):
    Holding(share).set(51 * MIB)
    members = line(share, "ab")
    assert waiting(*members) == "b"


def test_joining_twice_is_joining_once(share):
    members = line(share, "ab")
    share.join(members[0])
    Holding(share).set(51 * MIB)
    assert waiting(*members) == "b"


def test_one_that_has_left_is_told_nothing(share, clock):
    (member,) = line(share, "a")
    share.leave(member)
    share.leave(member)
    Holding(share).set(100 * MIB)
    clock.advance(100)
    assert not member.waits
    assert not member.given_up
    assert clock.getDelayedCalls() == []


def test_a_vm_that_holds_all_it_can_leaves_room_for_the_others(share, other):
    hog = Holding(share)
    hog.set(76 * MIB)
    members = line(other)
    Holding(other).set(12 * MIB)
    assert share.full
    assert waiting(*members) == ""
    assert not other.full


def test_what_one_vm_holds_has_those_of_another_wait_and_go_on(share, other):
    members, hog = line(other), Holding(share)
    Holding(other).set(20 * MIB)
    assert waiting(*members) == ""
    hog.set(65 * MIB)
    assert waiting(*members) == "bc"
    hog.set(76 * MIB)
    assert waiting(*members) == "abc"
    hog.set(0)
    assert waiting(*members) == ""


def test_nobody_has_room_where_more_is_held_than_may_be(budget, share, other):
    Holding(share).set(76 * MIB)
    budget.limit(50 * MIB, 1, 1)
    assert other.full


def test_who_waits_goes_on_when_there_may_be_more(budget, share, clock):
    members = line(share)
    Holding(share).set(76 * MIB)
    clock.advance(9)
    budget.limit(200 * MIB, 1, 1)
    assert waiting(*members) == ""
    clock.advance(100)
    assert [member.given_up for member in members] == ["", "", ""]


@pytest.mark.parametrize("held", [51, 76])
def test_the_first_is_given_up_that_stands_in_the_way_for_ten_seconds(
    share, clock, held
):
    members = line(share)
    Holding(share).set(held * MIB)
    clock.advance(9.9)
    assert [member.given_up for member in members] == ["", "", ""]
    clock.advance(0.2)
    assert [bool(member.given_up) for member in members] == [True, False, False]
    assert members[0].given_up == (
        "no end of its large message in 10 s while memory is short: "
        f"{held * MIB} bytes are held, see max-memory"
    )


def test_whoever_is_next_has_ten_seconds_too(share, clock):
    members = line(share)
    Holding(share).set(51 * MIB)
    clock.advance(9.9)
    share.leave(members[0])
    clock.advance(9.9)
    assert not members[1].given_up
    clock.advance(0.2)
    assert members[1].given_up
    assert not members[2].given_up


def test_one_goes_on_over_all_vms_while_more_is_held_than_left(share, other):
    """Two VMs that hold too much would else keep each other from ending."""
    members, others = line(share, "ab"), line(other, "cd")
    Holding(share).set(40 * MIB)
    Holding(other).set(40 * MIB)
    assert waiting(*members, *others) == "bcd"
    share.leave(members[0])
    share.leave(members[1])
    assert waiting(*others) == "d"


def test_one_that_finds_no_room_does_not_keep_others_from_theirs(share, other):
    members, others = line(share, "ab"), line(other, "cd")
    Holding(share).set(76 * MIB)
    Holding(other).set(13 * MIB)
    assert waiting(*members, *others) == "abd"


def test_those_who_come_and_go_freely_give_the_first_no_more_time(share, other, clock):
    members = line(share, "ab")
    Holding(share).set(60 * MIB)
    for _ in range(11):
        clock.advance(1)
        other.leave(line(other, "c")[0])
    assert members[0].given_up


def test_one_that_does_not_go_is_given_up_again(share, clock):
    (member,) = line(share, "a")
    Holding(share).set(76 * MIB)
    clock.advance(10)
    member.given_up = ""
    clock.advance(10)
    assert member.given_up


def test_nobody_is_given_up_while_nobody_waits(share, clock):
    members, holding = line(share, "a"), Holding(share)
    holding.set(51 * MIB)
    clock.advance(100)
    holding.set(76 * MIB)
    clock.advance(5)
    holding.set(51 * MIB)
    clock.advance(100)
    assert not members[0].given_up


def test_a_limit_that_is_set_anew_counts_from_then_on(share, clock):
    (member,) = line(share, "a")
    share.limits = Limits(max_stall=2)
    Holding(share).set(76 * MIB)
    clock.advance(2)
    assert member.given_up


def test_small_changes_of_a_holding_count_later(budget, share):
    holding = Holding(share)
    holding.set(65535)
    assert budget.used == 0
    holding.set(65536)
    assert (budget.used, share.used) == (65536, 65536)
    holding.set(1)
    assert budget.used == 65536
    holding.set(0)
    assert (budget.used, share.used) == (0, 0)


def test_holdings_add_up(budget, share, other):
    holdings = [Holding(share), Holding(share), Holding(other)]
    for number, holding in enumerate(holdings, 1):
        holding.set(number * MIB)
    assert (budget.used, share.used, other.used) == (6 * MIB, 3 * MIB, 3 * MIB)
    assert budget.free == 94 * MIB


def test_no_more_clients_than_may_be():
    budget = Budget(max_clients=3, max_clients_per_uid=2)
    budget.admit(1)
    budget.admit(1)
    with pytest.raises(Refused, match="2 clients of uid 1 are connected"):
        budget.admit(1)
    budget.admit(2)
    with pytest.raises(Refused, match="3 clients are connected to all VMs"):
        budget.admit(3)
    budget.let_go(1)
    budget.admit(1)


def test_clients_whose_uid_is_not_known_count_in_all_only():
    budget = Budget(max_clients=3, max_clients_per_uid=1)
    for _ in range(3):
        budget.admit(None)
    with pytest.raises(Refused, match="to all VMs"):
        budget.admit(None)
