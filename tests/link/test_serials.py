from __future__ import annotations

import pytest

from vdproxy.link.serials import GrabSerials

HIGHEST = 2**32 - 1

either_end = pytest.mark.parametrize("is_agent", [True, False], ids=["agent", "client"])


def counted(count, *, is_agent, selection=0):
    """Return serials that stand at *count* for a selection."""
    serials = GrabSerials(is_agent=is_agent)
    serials._epochs[0][selection] = count
    return serials


def grab(serials, selection):
    """Send a GRAB and return its serial."""
    serial = serials.next(selection)
    serials.sent(selection)
    return serial


@either_end
def test_our_grabs_are_numbered_from_0(is_agent):
    serials = GrabSerials(is_agent=is_agent)
    assert [grab(serials, 0) for _ in range(4)] == [0, 1, 2, 3]


@either_end
def test_each_selection_has_a_count_of_its_own(is_agent):
    serials = GrabSerials(is_agent=is_agent)
    assert [grab(serials, s) for s in (0, 1, 0, 2, 0, 1)] == [0, 0, 1, 0, 2, 1]
    assert serials.accept(2, 1)
    assert not serials.accept(0, 1)


@either_end
def test_both_ends_count_on_the_same_counter(is_agent):
    serials = GrabSerials(is_agent=is_agent)
    assert grab(serials, 0) == 0
    assert serials.accept(0, 1)
    assert grab(serials, 0) == 2


@either_end
def test_a_serial_that_is_ahead_is_refused_and_not_counted(is_agent):
    serials = counted(5, is_agent=is_agent)
    assert not serials.accept(0, 6)
    assert grab(serials, 0) == 5


@either_end
@pytest.mark.parametrize("serial", [3, 0, HIGHEST])
def test_a_serial_that_is_long_past_is_refused(is_agent, serial):
    assert not counted(5, is_agent=is_agent).accept(0, serial)


def test_the_agents_end_yields_to_a_grab_that_crossed_its_own():
    serials = GrabSerials(is_agent=True)
    assert grab(serials, 0) == 0
    assert serials.accept(0, 0)
    assert grab(serials, 0) == 1, "the crossed GRAB was counted twice"


def test_the_clients_end_wins_over_a_grab_that_crossed_its_own():
    serials = GrabSerials(is_agent=False)
    assert grab(serials, 0) == 0
    assert not serials.accept(0, 0)
    assert serials.accept(0, 1)


def test_the_two_ends_of_a_link_agree_after_grabs_that_crossed():
    agent, client = GrabSerials(is_agent=True), GrabSerials(is_agent=False)
    of_agent, of_client = grab(agent, 1), grab(client, 1)
    assert agent.accept(1, of_client)
    assert not client.accept(1, of_agent)
    assert client.accept(1, grab(agent, 1))
    assert agent.accept(1, grab(client, 1))


@either_end
def test_the_count_goes_on_at_0_after_the_highest_number(is_agent):
    serials = counted(HIGHEST, is_agent=is_agent)
    assert grab(serials, 0) == HIGHEST
    assert grab(serials, 0) == 0


@either_end
def test_a_peers_highest_serial_is_followed_by_0(is_agent):
    serials = counted(HIGHEST, is_agent=is_agent)
    assert serials.accept(0, HIGHEST)
    assert serials.accept(0, 0)


@either_end
def test_a_handshake_puts_every_selection_back_to_0(is_agent):
    serials = GrabSerials(is_agent=is_agent)
    for selection in (0, 1, 2):
        grab(serials, selection)
    serials.zero()
    assert [grab(serials, selection) for selection in (0, 1, 2)] == [0, 0, 0]


@either_end
def test_the_former_count_means_nothing_after_a_handshake(is_agent):
    serials = counted(5, is_agent=is_agent)
    serials.zero()
    assert not serials.accept(0, 5)


@pytest.mark.parametrize("serial", [0, 5])
def test_a_peer_that_may_not_have_noticed_is_taken_with_either_count(serial):
    serials = counted(5, is_agent=True)
    serials.announced()
    serials.answered()
    assert serials.accept(0, serial)
    assert grab(serials, 0) == serial + 1


def test_a_former_count_counts_for_one_grab_of_each_selection():
    serials = counted(5, is_agent=True)
    grab(serials, 1)
    serials.announced()
    serials.answered()
    assert serials.accept(0, 0)
    assert not serials.accept(0, 5)
    assert serials.accept(1, 1)


def test_our_own_grab_leaves_the_peers_former_count_in_force():
    serials = counted(5, is_agent=True)
    serials.announced()
    serials.answered()
    assert grab(serials, 0) == 0
    assert serials.accept(0, 5)


def test_a_former_count_outlives_a_second_change_that_the_peer_may_not_notice():
    serials = counted(5, is_agent=True)
    serials.announced()
    serials.answered()
    serials.announced()
    serials.answered()
    assert serials.accept(0, 5)


def test_until_the_peer_answers_its_grabs_are_of_the_old_counts():
    """H18."""
    serials = counted(3, is_agent=True)
    serials.announced()
    assert serials.accept(0, 3)
    assert not serials.accept(0, 1)
    serials.answered()
    assert [serials.accept(0, serial) for serial in (0, 1, 2)] == [True] * 3


def test_a_peer_that_counts_anew_has_answered():
    """H18."""
    serials = GrabSerials(is_agent=True)
    assert [serials.accept(0, serial) for serial in (0, 1, 2)] == [True] * 3
    serials.announced()
    assert [serials.accept(0, serial) for serial in (0, 1, 2)] == [True] * 3


def test_a_grab_from_before_ours_and_an_announcement_is_no_answer():
    """H18: the peer takes our second one, which it has not read yet."""
    serials = GrabSerials(is_agent=True)
    assert [grab(serials, 0) for _ in range(2)] == [0, 1]
    serials.announced()
    assert not serials.accept(0, 0)


def test_a_grab_from_before_an_announcement_loses_to_ours_from_after_it():
    """H18: the peer takes ours, once it has read that."""
    serials = counted(3, is_agent=True)
    serials.announced()
    assert grab(serials, 0) == 0
    assert not serials.accept(0, 3)
    assert not serials.accept(0, 2)
    assert serials.accept(1, 0)
    serials.answered()
    assert serials.accept(0, 1)


def test_each_announcement_has_an_answer_of_its_own():
    serials = counted(3, is_agent=True)
    serials.announced()
    serials.announced()
    assert grab(serials, 0) == 0
    serials.answered()
    assert not serials.accept(1, 1), "that one is still to be answered"
    serials.answered()
    serials.answered()
    assert [serials.accept(0, serial) for serial in (3, 4)] == [True, True]


def test_a_peer_that_puts_its_counts_back_late_has_counted_our_grabs():
    """H18."""
    serials = GrabSerials(is_agent=False)
    assert serials.accept(0, 0)
    assert [grab(serials, 0) for _ in range(2)] == [1, 2]
    serials.restarted()
    assert grab(serials, 0) == 2
    assert grab(serials, 1) == 0


def test_a_former_count_that_ours_have_passed_is_no_longer_taken():
    """H18: it would be a GRAB from before those of ours, which the peer has lost."""
    serials = counted(1, is_agent=True)
    serials.announced()
    serials.answered()
    assert [grab(serials, 0) for _ in range(3)] == [0, 1, 2]
    assert not serials.accept(0, 1)


@either_end
def test_of_announcements_that_are_never_answered_the_newest_eight_count(is_agent):
    serials = GrabSerials(is_agent=is_agent)
    for _ in range(100):
        serials.announced()
    assert grab(serials, 0) == 0
    assert not serials.accept(0, 0), "ours, from after the announcements, wins"
    for _ in range(8):
        serials.answered()
    assert serials.accept(0, 1)
