"""
The serials of GRAB messages: who wins when both ends grab at once.

Both ends of a link count the GRABs of a selection, from 0 at the handshake. Two
that cross bear the same serial, and the rule of spice-vdagentd settles it: the
client's counts.
"""

from __future__ import annotations

from vdproxy.wire.constants import Selection

_SERIALS = 2**32


class GrabSerials:
    """
    One link's counters, one a selection.

    With ``is_agent`` we are the agent's end: a GRAB one behind our count crossed
    our last one and wins. At the client's end the guest's GRAB loses.
    """

    def __init__(self, *, is_agent: bool) -> None:
        self._is_agent = is_agent
        self._counts: dict[int, int] = {}
        self._former: dict[int, int] = {}
        self.zero()

    def zero(self, *, keep_former: bool = False) -> None:
        """
        Begin at 0, as a handshake does.

        With *keep_former* the peer may not have noticed: its next GRAB of each
        selection is taken with the former count as well.
        """
        self._former = {**self._counts, **self._former} if keep_former else {}
        self._counts = {int(selection): 0 for selection in Selection}

    def next(self, selection: int) -> int:
        """Return the serial for our next GRAB of *selection*."""
        return self._counts.get(selection, 0)

    def sent(self, selection: int) -> None:
        """Count a GRAB of ours that goes out with the next serial."""
        self._count_on(selection, self._counts[selection])

    def accept(self, selection: int, serial: int) -> bool:
        """Tell whether a GRAB that came with *serial* counts, and count it."""
        expected = self._counts[selection]
        if serial in (expected, self._former.pop(selection, expected)):
            self._count_on(selection, serial)
            return True
        return self._is_agent and serial == (expected - 1) % _SERIALS

    def _count_on(self, selection: int, serial: int) -> None:
        self._counts[selection] = (serial + 1) % _SERIALS
