"""The mice of several clients and the one device in a real guest."""

from __future__ import annotations

import struct
from typing import NamedTuple

from tests.peers.programs import wait_for
from tests.real.guest import Guest
from vdproxy.wire.constants import MouseButtons
from vdproxy.wire.messages import MouseState

LEFT = MouseButtons.VD_AGENT_LBUTTON_MASK
RIGHT = MouseButtons.VD_AGENT_RBUTTON_MASK

#: struct input_event and its numbers in linux/input-event-codes.h.
_EVENT = struct.Struct("@qqHHi")
_EV_KEY, _EV_ABS = 1, 3
_AXES = {0: "x", 1: "y"}
_BUTTONS = {0x110: "left", 0x111: "right", 0x112: "middle"}


class Event(NamedTuple):
    """A move to a place on an axis, or a button that is down (1) or up (0)."""

    what: str
    value: int


class Device:
    """What an agent has written to its uinput device behind what was read last."""

    def __init__(self, guest: Guest) -> None:
        self._path = guest.agent.uinput
        self._read = self._path.stat().st_size

    def wait_for(self, *events: Event) -> None:
        """Wait until these have come, in this order, and no others."""
        wait_for(
            lambda: self._events() == list(events),
            5,
            f"events {events}",
            lambda: f"{self._events()}",
        )
        self._read = self._path.stat().st_size

    def _events(self) -> list[Event]:
        data = self._path.read_bytes()[self._read :]
        whole = data[: len(data) // _EVENT.size * _EVENT.size]
        events = []
        for _, _, kind, code, value in _EVENT.iter_unpack(whole):
            if kind == _EV_ABS:
                events.append(Event(_AXES[code], value))
            elif kind == _EV_KEY:
                events.append(Event(_BUTTONS[code], value))
        return events


def test_moves_and_buttons_of_a_client_reach_the_guest(shared_guest: Guest):
    with shared_guest.viewer() as viewer:
        device = Device(shared_guest)
        viewer.send(MouseState(100, 50, 0, 0))
        device.wait_for(Event("x", 100), Event("y", 50))
        viewer.send(MouseState(100, 50, LEFT, 0))
        device.wait_for(Event("left", 1))
        viewer.send(MouseState(110, 60, 0, 0))
        device.wait_for(Event("x", 110), Event("y", 60), Event("left", 0))


def test_a_button_is_down_while_any_client_holds_it(shared_guest: Guest):
    """H25."""
    with shared_guest.viewer() as one, shared_guest.viewer() as two:
        device = Device(shared_guest)
        one.send(MouseState(200, 200, LEFT, 0))
        device.wait_for(Event("x", 200), Event("y", 200), Event("left", 1))
        two.send(MouseState(210, 220, 0, 0))
        device.wait_for(Event("x", 210), Event("y", 220))
        two.send(MouseState(210, 220, LEFT | RIGHT, 0))
        device.wait_for(Event("right", 1))
        two.send(MouseState(215, 225, 0, 0))
        device.wait_for(Event("x", 215), Event("y", 225), Event("right", 0))
        # Whoever leaves holds nothing any more.
        one.close()
        device.wait_for(Event("left", 0))
