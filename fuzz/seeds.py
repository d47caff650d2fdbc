"""
Write the inputs that exploration begins with, from real messages.

``python -m fuzz.seeds TARGET`` adds them to what is in ``fuzz/corpus``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from hashlib import sha1
from itertools import product
from pathlib import Path

from fuzz.speech import LAYOUTS, SAYINGS, Input, announcement, frame
from vdproxy.errors import LocalProtocolError
from vdproxy.testing import LINUX_AGENT
from vdproxy.wire.codec import Codec

#: What the fields of a message are made from, byte by byte.
_FIELDS = bytes([1, 1, 0, 2, 6, 1, 3, 4])


def _wire() -> Iterator[bytes]:
    """Yield each message under each layout, for a guest's framing and a client's."""
    for (which, layout), saying in product(enumerate(LAYOUTS), SAYINGS):
        message = saying(Input(_FIELDS))
        try:
            payload = Codec().encode(message, layout)
        except LocalProtocolError:
            continue
        for framing, per_chunk in ((0, 21), (1, 2048)):
            stream = frame(message.number, payload, 1, per_chunk)
            yield bytes([framing, which, framing, 0]) + stream + stream
    everything = b"".join(
        frame(number, bytes(4), port) for number in range(1, 18) for port in (1, 2)
    )
    yield bytes(4) + announcement(1, LINUX_AGENT) + everything


def _links() -> Iterator[bytes]:
    """Yield each message as each role hears it, after an announcement."""
    announced = bytes([0, 0, 0, 4, 0, 0, 0])
    for role, which, kind in product(range(2), range(len(SAYINGS)), (0, 9, 11, 13)):
        said = bytes([0, kind, 0, which]) + _FIELDS
        yield bytes([role, 3]) + announced + said * 2


def _hub() -> Iterator[bytes]:
    """Yield each message as a guest and as a client says it, with each filter."""
    for filters, step, which in product(range(4), (0, 7), range(len(SAYINGS))):
        said = bytes([step, 0, 0, 0, which]) + _FIELDS
        yield bytes([filters, 0, 0, 1]) + said * 2 + bytes([14, 4, 12, 0])


def main() -> None:
    """Write the seeds of the target that the command line names."""
    seeds = {"wire": _wire, "links": _links, "hub": _hub}[sys.argv[1]]
    folder = Path(__file__).parent / "corpus" / sys.argv[1]
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds():
        name = sha1(seed, usedforsecurity=False).hexdigest()[:16]
        (folder / name).write_bytes(seed)


if __name__ == "__main__":
    main()
