"""Cases of chunks and message headers."""

from __future__ import annotations

from tests.hostile.case import Case, bad, broken, closed, guests_bad, kept, out_of_step
from tests.link.frames import numbers
from tests.wire.decoding import chunk, frame, message

MOUSE, MONITORS, REPLY, CLIPBOARD, DISPLAY, ANNOUNCE = range(1, 7)
GRAB, REQUEST, RELEASE = 7, 8, 9
START, STATUS, DATA = 10, 11, 12
DISCONNECTED, MAX_CLIPBOARD, AUDIO, DEVICES = range(13, 17)

#: The headers of a chunk and of a message, bytes.
CHUNK, HEADER = 8, 20

_UNASKED = numbers(0, 1) + b"x"
_LARGEST_CHUNK = 2**31 - 1 + HEADER


def _cut(whole: bytes, *places: int, ports: tuple[int, ...] = (1,)) -> list[bytes]:
    """Return *whole* cut at *places*, in chunks on *ports* in turn."""
    ends = [*places, len(whole)]
    return [
        chunk(whole[start:end], ports[i % len(ports)])
        for i, (start, end) in enumerate(zip([0, *places], ends, strict=True))
    ]


def _interleaved() -> bytes:
    first = _cut(message(CLIPBOARD, _UNASKED), 7, 22)
    second = _cut(message(DATA, numbers(99, 1, 0) + b"x"), 3, 25, ports=(2,))
    return b"".join(a + b for a, b in zip(first, second, strict=True))


CHUNKS = [
    Case("a chunk of 0 bytes", chunk(b""), closed("chunk of 0 bytes", 0), kept()),
    Case(
        "a chunk of 2,049 bytes",
        chunk(message(CLIPBOARD, _UNASKED + bytes(2020))),
        closed("chunk of 2049 bytes, more than 2048", 0),
        kept(),
    ),
    Case(
        "a chunk of 2**32 - 1 bytes",
        chunk(message(CLIPBOARD, _UNASKED), size=2**32 - 1),
        closed("chunk of 4294967295 bytes, more than 2048", 0),
        out_of_step(f"chunk of 4294967295 bytes, more than {_LARGEST_CHUNK}", 0),
    ),
    Case(
        "port 0",
        frame(CLIPBOARD, _UNASKED, port=0),
        closed("chunk for port 0, which does not exist", 0),
        kept(),
    ),
    *(
        broken(
            f"port {port}",
            frame(CLIPBOARD, _UNASKED, port=port),
            f"chunk for port {port}, which does not exist",
            0,
        )
        for port in (3, 2**31, 2**32 - 1)
    ),
    Case("ports interleaved inside messages", _interleaved(), kept(), kept()),
    broken(
        "a port that does not exist inside a message",
        chunk(message(CLIPBOARD, _UNASKED)[:24]) + chunk(_UNASKED[4:], port=9),
        "chunk for port 9, which does not exist",
        CHUNK + 24,
    ),
    Case(
        "a message header in chunks of a byte",
        frame(CLIPBOARD, _UNASKED, per_chunk=1),
        kept(),
        kept(),
    ),
    broken(
        "a chunk with more than its message",
        chunk(message(CLIPBOARD, _UNASKED) + b"more"),
        "chunk with 13 bytes for a message of 9",
        CHUNK + HEADER,
    ),
    broken(
        "a chunk with two messages",
        chunk(message(CLIPBOARD, _UNASKED) * 2),
        "chunk with 38 bytes for a message of 9",
        CHUNK + HEADER,
    ),
    broken(
        "a chunk with more than the rest of its message",
        chunk(message(CLIPBOARD, _UNASKED)[:24]) + chunk(bytes(6)),
        "chunk of 6 bytes where its message has 5 left",
        CHUNK + 24,
    ),
]

HEADERS = [
    *(
        broken(
            f"protocol {protocol}",
            chunk(message(CLIPBOARD, _UNASKED, protocol=protocol)),
            f"message of protocol {protocol}, not 1",
            CHUNK + HEADER,
        )
        for protocol in (0, 2, 2**32 - 1)
    ),
    broken("type 0", frame(0), "message of type 0", CHUNK + HEADER),
    *(
        Case(
            f"type {number}",
            frame(number, b"whatever"),
            kept(f"type {number} of vdi#1 dropped: no enabled handler owns this type"),
            kept(f"type {number} of guest dropped: no enabled handler owns this type"),
        )
        for number in (17, 2**31, 2**32 - 1)
    ),
    *(
        broken(
            f"a size of {size}",
            chunk(message(number, bytes(8), size=size)),
            f"message of type {number} with {size} bytes, more than {limit}",
            CHUNK + HEADER,
        )
        for number, size, limit in [
            (CLIPBOARD, 2**31, 100 * 1024 * 1024 + 8),
            (CLIPBOARD, 2**32 - 1, 100 * 1024 * 1024 + 8),
            (MONITORS, 2**32 - 16, 8 + 64 * 24),
            (17, 1024 * 1024 + 1, 1024 * 1024),
            (REQUEST, 9, 8),
        ]
    ),
    broken(
        "a size that is less than the payload",
        chunk(message(CLIPBOARD, _UNASKED, size=8)),
        "chunk with 9 bytes for a message of 8",
        CHUNK + HEADER,
    ),
    broken(
        "a size that is more than the payload, and a message behind it",
        chunk(message(CLIPBOARD, _UNASKED, size=10)) + frame(MOUSE, bytes(13)),
        "chunk of 33 bytes where its message has 1 left",
        CHUNK + HEADER + 9,
    ),
    Case(
        "data over the limit of a message",
        chunk(message(DATA, bytes(20), size=1024 * 1024 + 13)),
        closed(
            "message of type 12 with 1048589 bytes, more than 1048588", CHUNK + HEADER
        ),
    ),
    Case(
        "a mebibyte in one read",
        frame(DATA, numbers(99, 1024 * 1024, 0) + bytes(1024 * 1024)),
        kept(),
        kept(),
    ),
]

_NOT_WORDS = "capabilities in {} bytes, which is not whole words"

ANNOUNCEMENTS = [
    *(
        Case(
            f"capabilities in {size} bytes",
            frame(ANNOUNCE, bytes(size)),
            bad("ANNOUNCE_CAPABILITIES", _NOT_WORDS.format(size)),
            guests_bad("ANNOUNCE_CAPABILITIES", _NOT_WORDS.format(size)),
        )
        for size in (0, 1, 2, 3, 7)
    ),
    Case(
        "capabilities without a word",
        # The same client announces more once it has been heard.
        lambda peer: frame(ANNOUNCE, numbers(0)) + _announcement(peer),
        kept(),
    ),
    *(
        broken(
            f"capabilities of {words} words",
            frame(ANNOUNCE, bytes(4 + 4 * words)),
            f"message of type 6 with {4 + 4 * words} bytes, more than 36",
            CHUNK + HEADER,
        )
        for words in (9, 1000)
    ),
]


def _announcement(peer: object) -> bytes:
    return frame(ANNOUNCE, numbers(0, *peer.capabilities.to_words()))  # type: ignore[attr-defined]


FRAMING = [*CHUNKS, *HEADERS, *ANNOUNCEMENTS]
