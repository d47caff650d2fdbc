"""
Announcements in the raw bytes of a guest: the only places one can trust.

A mark is an ANNOUNCE_CAPABILITIES as every known agent sends it, whole and in a
chunk of its own. Where framing is in doubt, reading begins anew at one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vdproxy.wire.assembly import MESSAGE_HEADER
from vdproxy.wire.chunk import CHUNK_HEADER
from vdproxy.wire.constants import (
    MAX_CAPABILITY_WORDS,
    VD_AGENT_PROTOCOL,
    MessageType,
)
from vdproxy.wire.messages import AnnounceCapabilities


def _header(payload: int) -> bytes:
    number = MessageType.VD_AGENT_ANNOUNCE_CAPABILITIES
    return MESSAGE_HEADER.pack(VD_AGENT_PROTOCOL, number, 0, payload)


def _pattern(words: int) -> bytes:
    """Return the pattern of a mark with this many words of capabilities."""
    header = _header(4 + 4 * words)
    chunk = CHUNK_HEADER.pack(0, len(header) + 4 + 4 * words)
    return (
        rb"[\x00-\x02]\x00\x00\x00"
        + re.escape(chunk[4:] + header)
        + rb"[\x00\x01]\x00\x00\x00"
        + rb".{%d}" % (4 * words)
    )


_MARK = re.compile(
    b"|".join(_pattern(words) for words in range(MAX_CAPABILITY_WORDS + 1)), re.DOTALL
)

#: What every mark has in it, sought first: most of what is searched has none.
_SIGN = _header(0)[:-4]

_LONGEST = CHUNK_HEADER.size + MESSAGE_HEADER.size + AnnounceCapabilities.max_size

#: Bytes kept from before the last read. An agent that has announced itself waits
#: for the answer, so its mark is among the last that came.
_KEPT = 512


class Marks:
    """
    The last bytes of a stream, and the marks in them that nobody has acted upon.

    Places are offsets in the stream. ``received`` is its length so far.
    """

    def __init__(self) -> None:
        self.received = 0
        self._before = b""
        self._last = b""
        self._done = 0

    def receive_data(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        if len(self._last) < _KEPT:
            self._before = (self._before + self._last)[-_KEPT:]
        else:
            self._before = self._last[-_KEPT:]
        self._last = data
        self.received += len(data)

    def done(self, offset: int) -> None:
        """Forget the marks before *offset*: they have been acted upon."""
        self._done = offset

    def since(self, offset: int) -> bytes:
        """Return the bytes from *offset*, where a mark was found, to the end."""
        return self._between(offset, self.received)

    def first(self) -> int | None:
        """Return where the first mark begins."""
        for start, _ in self._find(0, self.received):
            return start
        return None

    def around(self, offset: int, *, or_before: bool) -> int | None:
        """
        Return where a mark begins that *offset* stands in the middle of.

        With *or_before* it may also end there.
        """
        for start, end in self._find(offset - _LONGEST, offset + _LONGEST):
            if start < offset < end or (or_before and end == offset):
                return start
        return None

    def _find(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield where marks between two places begin and end."""
        oldest = self.received - len(self._last) - len(self._before)
        first = max(first, oldest, self._done)
        window = self._between(first, last)
        if _SIGN in window:
            for mark in _MARK.finditer(window):
                yield first + mark.start(), first + mark.end()

    def _between(self, first: int, last: int) -> bytes:
        start = self.received - len(self._last)
        if first >= start:
            return self._last[first - start : last - start]
        before = self._before[first - start :]
        return (before + self._last[: max(0, last - start)])[: last - first]
