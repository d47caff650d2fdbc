"""The serials of GRABs as one model peer counts them, by its kind's own rule."""

from __future__ import annotations

from collections import defaultdict
from enum import Enum


class Rule(Enum):
    """Which GRABs of the hub count, see 3.1 of the protocol's reference."""

    AGENT = "spice-vdagentd"
    STRICT = "spice-gtk"
    LOOSE = "QEMU"


class Serials:
    """
    One link's counters, one a selection, at the peer's end.

    It also checks those of the hub, which counts its own GRABs and the peer's.
    """

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._said: defaultdict[int, set[int]] = defaultdict(set)
        self.begin(forget=True)

    def begin(self, *, forget: bool) -> None:
        """Count from 0; *forget* tells that none of ours is in flight."""
        self._counts: defaultdict[int, int] = defaultdict(int)
        self._last_heard: defaultdict[int, int] = defaultdict(lambda: -1)
        if forget:
            self._said.clear()

    def next(self, selection: int) -> int:
        """Return the serial of our next GRAB, and count it."""
        serial = self._counts[selection]
        self._counts[selection] += 1
        self._said[selection].add(serial)
        return serial

    def hear(self, selection: int, serial: int) -> bool:
        """Tell whether a GRAB of the hub counts for this peer."""
        last, said = self._last_heard[selection], self._said[selection]
        assert serial > last, f"serial {serial} of selection {selection} after {last}"
        assert serial - 1 == last or serial - 1 in said, (
            f"serial {serial} of selection {selection} after {last}, we said {said}"
        )
        self._last_heard[selection] = serial
        count = self._counts[selection]
        match self._rule:
            case Rule.AGENT:
                accepted = serial in (count, count - 1)
                self._counts[selection] += serial == count
            case Rule.STRICT:
                accepted = serial == count
                self._counts[selection] += accepted
            case Rule.LOOSE:
                accepted = serial >= count
                self._counts[selection] = max(count, serial)
        return accepted
