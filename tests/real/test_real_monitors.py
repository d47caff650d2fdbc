"""One screen of a real guest, and several clients that each want it as theirs is."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.peers.programs import wait_for
from tests.peers.viewer import Viewer
from tests.real.guest import ACCEPTED, Guest
from vdproxy.wire.constants import MonitorsConfigFlags
from vdproxy.wire.messages import MonConfig, MonitorsConfig, Reply

PHYSICAL_SIZE = MonitorsConfigFlags.VD_AGENT_CONFIG_MONITORS_FLAG_PHYSICAL_SIZE


@pytest.fixture
def viewers(shared_guest: Guest) -> Iterator[list[Viewer]]:
    with (
        shared_guest.viewer() as one,
        shared_guest.viewer() as two,
        shared_guest.viewer() as three,
    ):
        yield [one, two, three]


def ask(viewer: Viewer, width: int, height: int) -> None:
    """Ask for a size; the Linux agent rounds widths down to multiples of 8."""
    viewer.send(MonitorsConfig(0, (MonConfig(width, height),)))
    assert viewer.expect(Reply) == ACCEPTED


def ask_with_millimetres(viewer: Viewer, width: int, height: int) -> float:
    """Return the seconds until the REPLY."""
    monitor = MonConfig(width, height, width_mm=300, height_mm=200)
    start = time.monotonic()
    viewer.send(MonitorsConfig(PHYSICAL_SIZE, (monitor,)))
    assert viewer.expect(Reply) == ACCEPTED
    return time.monotonic() - start


def wait_for_size(guest: Guest, width: int, height: int) -> None:
    wait_for(
        lambda: guest.agent.screen_size() == (width, height),
        5,
        f"screen of {width}x{height}",
        lambda: f"it is {guest.agent.screen_size()}",
    )


def test_the_guest_has_the_size_that_was_asked_for_last(
    shared_guest: Guest, viewers: list[Viewer]
):
    """H23, H26."""
    for viewer, width in zip(viewers, (800, 904, 1000), strict=True):
        ask(viewer, width, 600)
        wait_for_size(shared_guest, width, 600)
    for viewer in viewers:
        assert viewer.messages(Reply) == [ACCEPTED]


def test_requests_at_once_are_all_answered_and_the_last_one_counts(
    shared_guest: Guest, viewers: list[Viewer]
):
    """H23, H26."""
    widths = range(640, 928, 16)
    for width in widths:
        for viewer in viewers:
            viewer.send(MonitorsConfig(0, (MonConfig(width, 500),)))
    viewers[0].send(MonitorsConfig(0, (MonConfig(1016, 700),)))
    for _ in widths:
        for viewer in viewers:
            assert viewer.expect(Reply) == ACCEPTED
    assert viewers[0].expect(Reply) == ACCEPTED
    ask(viewers[1], 824, 620)
    wait_for_size(shared_guest, 824, 620)


def test_a_new_agent_gets_the_layout_of_the_owner_again(
    shared_guest: Guest, viewers: list[Viewer]
):
    """H23."""
    for viewer, width in zip(viewers, (800, 904, 704), strict=True):
        ask(viewer, width, 550)
    wait_for_size(shared_guest, 704, 550)
    before = shared_guest.times_up()
    # The X server too, which would have kept the size.
    shared_guest.agent.stop()
    shared_guest.agent.start()
    shared_guest.wait_until_up(before + 1)
    wait_for_size(shared_guest, 704, 550)
    assert all(viewer.messages(Reply) == [ACCEPTED] for viewer in viewers)


def test_physical_sizes_cost_an_agent_that_does_not_know_them_one_wait(guest: Guest):
    """H26."""
    with guest.viewer() as one, guest.viewer() as two:
        assert 1.5 < ask_with_millimetres(one, 840, 640) < 4
        wait_for_size(guest, 840, 640)
        assert ask_with_millimetres(one, 864, 660) < 1
        wait_for_size(guest, 864, 660)
        assert ask_with_millimetres(two, 880, 680) < 1
        wait_for_size(guest, 880, 680)
        assert one.messages(Reply) == [ACCEPTED] * 2
