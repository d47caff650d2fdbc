"""
Announcements in the raw bytes of a guest: the only places one can trust.

A mark is an ANNOUNCE_CAPABILITIES as every known agent sends it, whole and in a
chunk of its own. Where framing is in doubt, reading begins anew at one.
"""

from __future__ import annotations

import re
from collections import deque
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


def _spelled(words: int) -> list[bytes]:
    """Return a pattern for each byte of a mark with *words* of capabilities."""
    header = _header(4 + 4 * words)
    chunk = CHUNK_HEADER.pack(0, len(header) + 4 + 4 * words)
    fixed = [re.escape(bytes([byte])) for byte in chunk[1:] + header]
    request = [rb"[\x00\x01]", rb"\x00", rb"\x00", rb"\x00"]
    return [rb"[\x00-\x02]", *fixed, *request, *[b"."] * (4 * words)]


def _begun(pattern: list[bytes]) -> bytes:
    """Return a pattern of the first of these bytes, and of more of them or none."""
    begun = b""
    for byte in reversed(pattern):
        begun = byte + (b"(?:" + begun + b")?" if begun else b"")
    return begun


_PATTERNS = [_spelled(words) for words in range(MAX_CAPABILITY_WORDS + 1)]
_MARK = re.compile(b"|".join(map(b"".join, _PATTERNS)), re.DOTALL)

#: What may be the beginning of a mark, at the end of bytes. All marks begin with a
#: port, and what comes behind it tells them apart.
_BEGUN_MARK = re.compile(
    rb"[\x00-\x02](?:\x00{3}(?:"
    + b"|".join(_begun(pattern[4:-1]) for pattern in _PATTERNS)
    + rb")|\x00{0,3})\Z",
    re.DOTALL,
)

#: What every mark has in it, sought first: most of what is searched has none.
_SIGN = _header(0)[:-4]

#: The size of the longest mark, bytes.
LONGEST = CHUNK_HEADER.size + MESSAGE_HEADER.size + AnnounceCapabilities.max_size

#: Bytes kept, and the last read besides. An agent that has announced itself waits
#: for the answer, and says little more than what it is asked by those that take it
#: for its predecessor.
_KEPT = 64 * 1024

#: Reads up to this size, bytes, are joined to the one before.
_SMALL = 2048


class Marks:
    """
    The last bytes of a stream, and the marks in them that nobody has acted upon.

    Places are offsets in the stream. ``received`` is its length so far.
    """

    def __init__(self) -> None:
        self.received = 0
        self._reads: deque[bytes] = deque([b""])
        self._size = 0
        self._done = 0

    def receive_data(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        self.received += len(data)
        self._size += len(data)
        reads = self._reads
        if len(reads[-1]) + len(data) <= _SMALL:
            reads[-1] += data
        else:
            reads.append(data)
        while self._size - len(reads[0]) > _KEPT:
            self._size -= len(reads.popleft())

    def done(self, offset: int) -> None:
        """Forget the marks before *offset*: they have been acted upon."""
        self._done = offset

    def since(self, offset: int) -> bytes:
        """Return the bytes from *offset*, where a mark was found, to the end."""
        return self._between(offset, self.received)

    def first(self, after: int = 0) -> int | None:
        """Return where the first mark begins that ends behind *after*."""
        for start, end in self.between(after - LONGEST, self.received):
            if end > after:
                return start
        return None

    def between(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield where marks begin and end that lie between these two places."""
        first = max(first, self.received - self._size, self._done)
        window = self._between(first, last)
        if _SIGN in window:
            for mark in _MARK.finditer(window):
                yield first + mark.start(), first + mark.end()

    def around(self, offset: int) -> Iterator[tuple[int, int]]:
        """Yield where marks begin and end that *offset* may stand in or behind."""
        return self.between(offset - LONGEST, offset + LONGEST)

    def begun_before(self, offset: int) -> int | None:
        """
        Return where a mark may begin, before *offset*, of which more is to come.

        The longest of the possible beginnings counts.
        """
        if self.received - offset >= LONGEST:
            return None
        first = max(offset - LONGEST, self.received - self._size, self._done)
        begun = _BEGUN_MARK.search(self._between(first, self.received))
        if begun is None or first + begun.start() >= offset:
            return None
        return first + begun.start()

    def _between(self, first: int, last: int) -> bytes:
        end = self.received
        pieces: list[bytes] = []
        for read in reversed(self._reads):
            start = end - len(read)
            if start < last:
                pieces.insert(0, read[max(0, first - start) : last - start])
            if start <= first:
                break
            end = start
        return b"".join(pieces)
