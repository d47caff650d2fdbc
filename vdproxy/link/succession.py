"""
Whether another agent has begun to speak, in a stream that does not tell.

An agent that dies in the middle of a message leaves the rest of it unsaid, and what
its successor says is read as that rest: an announcement first, and then perhaps
answers to what was meant for the dead one. Content may look the same, so neither is
believed before the other has been ruled out.
"""

from __future__ import annotations

from typing import NamedTuple

from vdproxy.errors import RemoteProtocolError
from vdproxy.link.marks import LONGEST, Marks
from vdproxy.wire.chunk import LINUX_FRAMING, ChunkReader, RawMessage
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import MessageType

#: Bytes at the end of a message in which an announcement is looked for: what a new
#: agent may have said that has not been answered.
_TALK = 4096

#: Bytes of a mark that no message ends with by chance: a text of one digit ends with
#: the five before them.
_TELLING = 9

#: Bytes up to which QEMU has been seen to deliver a message whole or not at all, so
#: that the announcement that completes it is not in pieces either.
_ATOMIC = 32 * 1024

#: What a chunk header of the Linux agent begins with.
_PORTS = (b"\x01\0\0\0", b"\x02\0\0\0")


class Whole(NamedTuple):
    """A message that seems to be whole, between two places in the stream."""

    raw: RawMessage
    begin: int
    end: int


class Succession:
    """
    The marks in one stream, and what they mean.

    ``expected`` tells that the port is known to have been opened anew and that no
    announcement has been read since.
    """

    def __init__(self, codec: Codec) -> None:
        self.expected = False
        self._codec = codec
        self._marks = Marks()
        self._read_at = 0

    @property
    def received(self) -> int:
        """The bytes of the stream so far."""
        return self._marks.received

    def receive_data(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        self._read_at = self._marks.received
        self._marks.receive_data(data)

    def done(self, offset: int) -> None:
        """Forget the marks before *offset*: they have been acted upon."""
        self._marks.done(offset)

    def since(self, mark: int) -> bytes:
        """Return all bytes from *mark* on."""
        return self._marks.since(mark)

    def judge(self, whole: Whole, *, last: bool) -> tuple[bool, int | None]:
        """
        Tell whether it is certain what a message is, and where a new agent began
        that completed it by its own bytes, None if it is what it seems.

        It is made certain if this is the *last* time.
        """
        raw, begin, end = whole
        announces = raw.number == MessageType.VD_AGENT_ANNOUNCE_CAPABILITIES
        first = max(begin, end - _TALK)
        for start, stop in self._marks.between(first, end + LONGEST):
            if start >= end:
                break
            if (stop == end and announces) or not self._reads_on(start):
                continue
            if stop >= end or last or self.expected:
                return True, start
            if self._marks.received < end + _TALK:
                return False, None
        return last or not self._may_be_cut(whole), None

    def mark_in_last_read(self) -> int | None:
        """Return where the first mark begins that the last read has completed."""
        return self._marks.first(self._read_at)

    def mark_behind(self, offset: int) -> int | None:
        """Return where the first mark begins that ends behind *offset*."""
        return self._marks.first(offset)

    def mark_since(self, offset: int) -> int | None:
        """Return the first mark from *offset* on that an agent's words follow."""
        for start, _ in self._marks.between(offset, self._marks.received):
            if self._reads_on(start):
                return start
        return None

    def mark_at_end(self, offset: int) -> int | None:
        """Return the mark from *offset* on that ends where the stream does."""
        received = self._marks.received
        for start, stop in self._marks.around(received):
            if stop == received and start >= offset:
                return start
        return None

    def _may_be_cut(self, whole: Whole) -> bool:
        """Tell whether a message ends with what may be the beginning of a mark."""
        mark = self._marks.begun_before(whole.end)
        if mark is None or mark < whole.begin:
            return False
        large = whole.raw.payload_size > _ATOMIC and whole.begin < self._read_at
        return large or whole.end - mark >= _TELLING

    def _reads_on(self, mark: int) -> bool:
        """Tell whether all that came from *mark* on can be an agent's."""
        stream = self._marks.since(mark)
        reader = ChunkReader(LINUX_FRAMING, self._codec.limit, self._codec.data_offset)
        reader.receive_data(stream)
        try:
            while reader.next_event() is not None:
                pass
        except RemoteProtocolError:
            return False
        # Of a header that is not whole the port tells already.
        begun = stream[reader.offset :]
        return any(port.startswith(begun[: len(port)]) for port in _PORTS)
