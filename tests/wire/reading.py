"""A chunk reader's work on whole streams, for its tests."""

from __future__ import annotations

import re
import tracemalloc
from contextlib import contextmanager

import pytest

from tests.wire.decoding import (
    chunk_reader,
)
from tests.wire.feeding import (
    FOLLOWING,
    feed_each_way,
)
from vdproxy.wire.chunk import (
    GUEST_FRAMING,
    RawMessage,
)

CLIPBOARD = 4
ANNOUNCE = 6
FILE_DATA = 12
UNDEFINED = 1000


REPLY = RawMessage(1, 3, bytes.fromhex("02000000 01000000"))

each_port = pytest.mark.parametrize("port", [1, 2])


def read(stream, framing=GUEST_FRAMING, codec=None, **options):
    outcome = feed_each_way(lambda: chunk_reader(framing, codec, **options), stream)
    assert outcome.error is None, outcome.error
    return outcome.events


def refuse(stream, framing, codec=None):
    """
    Return the error of a stream that has FOLLOWING before it, and the offset
    that the error tells.
    """
    outcome = feed_each_way(lambda: chunk_reader(framing, codec), FOLLOWING + stream)
    assert outcome.events == [REPLY]
    assert outcome.error is not None, "taken without an error"
    what, offset = re.fullmatch(r"(.*), at byte (\d+)", outcome.error).groups()
    return what, int(offset) - len(FOLLOWING)


@contextmanager
def traced():
    """Give a function that tells the bytes allocated since, and their peak."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        yield lambda: tuple(n - before for n in tracemalloc.get_traced_memory())
    finally:
        tracemalloc.stop()


def in_pieces(data, size):
    return [data[start : start + size] for start in range(0, len(data), size)]
