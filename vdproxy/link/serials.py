"""
The serials of GRAB messages: who wins when both ends grab at once.

Both ends of a link count the GRABs of a selection, from 0 at the handshake. Two
that cross bear the same serial, and the rule of spice-vdagentd settles it: the
client's counts.
"""

from __future__ import annotations

from vdproxy.wire.constants import Selection

_SERIALS = 2**32

#: Announcements of ours that wait for an answer whose counts are kept apart.
_MAX_UNANSWERED = 8


class GrabSerials:
    """
    One link's counters, one a selection.

    With ``is_agent`` we are the agent's end: a GRAB one behind our count crossed
    our last one and wins. At the client's end the guest's GRAB loses.

    A new announcement of ours begins new counts, and until its answer has come
    the peer's GRABs are of the old ones: so there is a set of counts for each
    announcement that is not answered, the oldest first.
    """

    def __init__(self, *, is_agent: bool) -> None:
        self._is_agent = is_agent
        self.zero()

    def zero(self) -> None:
        """Begin at 0, as a handshake does."""
        self._epochs = [_zeros()]
        self._former: dict[int, int] = {}
        self._ours = _zeros()
        #: What comes after the peer's last serial under the oldest counts.
        self._theirs = _zeros()

    def announced(self) -> None:
        """Begin new counts of ours: an announcement goes out on an open link."""
        if len(self._epochs) > _MAX_UNANSWERED:
            self.answered()
        self._epochs.append(_zeros())

    def answered(self) -> None:
        """
        Begin new counts of the peer's: it has answered an announcement.

        It may not have put its own back (spice-gtk does not), so its next GRAB of
        each selection is taken with the former count as well.
        """
        if len(self._epochs) > 1:
            self._former = {**self._epochs.pop(0), **self._former}
            self._theirs = _zeros()

    def restarted(self) -> None:
        """Count our own GRABs only: the peer put its counts back before it had any."""
        self._epochs = [dict(self._ours)]

    def next(self, selection: int) -> int:
        """Return the serial for our next GRAB of *selection*."""
        return self._epochs[-1].get(selection, 0)

    def sent(self, selection: int) -> None:
        """Count a GRAB of ours that goes out with the next serial."""
        for counts in (self._epochs[-1], self._ours):
            counts[selection] = _after(counts[selection])

    def accept(self, selection: int, serial: int) -> bool:
        """Tell whether a GRAB that came with *serial* counts, and count it."""
        if len(self._epochs) > 1 and serial < self._theirs[selection]:
            # It has been there already: that the peer counts anew is an answer too.
            self.answered()
        self._theirs[selection] = _after(serial)
        if not self._accept(self._epochs[0], selection, serial):
            return False
        # One from before an announcement loses to a GRAB of ours from after it.
        later = self._epochs[1:]
        return not later or not any(epoch[selection] for epoch in later)

    def _accept(self, counts: dict[int, int], selection: int, serial: int) -> bool:
        expected = counts[selection]
        former = self._former.pop(selection, expected)
        # A former count that the new one has passed is one of the new by now.
        if serial == expected or serial == former > expected:
            counts[selection] = _after(serial)
            return True
        return self._is_agent and serial == (expected - 1) % _SERIALS


def _zeros() -> dict[int, int]:
    return {int(selection): 0 for selection in Selection}


def _after(serial: int) -> int:
    return (serial + 1) % _SERIALS
