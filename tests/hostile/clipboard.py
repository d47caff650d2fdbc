"""Cases of the clipboard, on links with CLIPBOARD_SELECTION and GRAB_SERIAL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.hostile import stages
from tests.hostile.case import Case, bad, broken, grabs, guests_bad, kept
from tests.hostile.framing import CHUNK, HEADER
from tests.link.frames import CLIPBOARD, GRAB, RELEASE, REQUEST, numbers
from tests.wire.decoding import chunk, frame, message
from vdproxy.wire.messages import Clipboard, ClipboardRelease

TEXT, PNG, BMP, TIFF, JPG, FILE_LIST = range(1, 7)

#: What a client and the guest are told that ask for what is not there.
NOTHING = [Clipboard(0, 0, b"")]

#: What the guest, and a client, are told that wait for a text that will not come.
NO_TEXT = [Clipboard(0, TEXT, b"")]

_RELEASED = [ClipboardRelease(0)]
_GUESTS_LOST = "VD_AGENT_CLIPBOARD_GRAB of the guest not taken: its serial lost a race"
_LOST = "VD_AGENT_CLIPBOARD_GRAB of client vdi#1 not taken: its serial lost a race"


def _grab(*types: int, behind: int = 0, odd: bytes = b"") -> Callable[[Any], bytes]:
    """Return the next GRAB of whoever sends it, or one that is so many *behind*."""

    def data(peer: Any) -> bytes:
        serial = peer.next_serial() - behind
        if behind:
            peer.take_back_serial()
        return frame(GRAB, numbers(0, serial % 2**32, *types) + odd)

    return data


GRABS = [
    Case("a GRAB of no types", _grab(), kept(), kept()),
    Case(
        "a GRAB of eleven types",
        _grab(*range(1, 12)),
        kept(
            agent=grabs(1, 2, 3, 4, 5, *range(7, 12)),
            other=grabs(1, 2, 3, 4, 5, *range(7, 12)),
        ),
        kept(
            first=grabs(1, 2, 3, 4, 5, *range(7, 12)),
            other=grabs(1, 2, 3, 4, 5, *range(7, 12)),
        ),
    ),
    Case(
        "a GRAB of types that do not exist",
        _grab(7, 2**31, 2**32 - 1),
        kept(agent=grabs(7, 2**31, 2**32 - 1), other=grabs(7, 2**31, 2**32 - 1)),
        kept(first=grabs(7, 2**31, 2**32 - 1), other=grabs(7, 2**31, 2**32 - 1)),
    ),
    Case("a GRAB of nothing and of files", _grab(0, FILE_LIST), kept(), kept()),
    *(
        broken(
            f"a GRAB of {count} types",
            chunk(message(GRAB, bytes(140), size=8 + 4 * count)),
            f"message of type 7 with {8 + 4 * count} bytes, more than 136",
            CHUNK + HEADER,
        )
        for count in (33, 10**6)
    ),
    Case(
        "a GRAB without its serial",
        frame(GRAB, numbers(0)),
        bad("CLIPBOARD_GRAB", "4 bytes are no ClipboardGrab", first=_RELEASED),
        guests_bad("CLIPBOARD_GRAB", "4 bytes are no ClipboardGrab"),
    ),
    Case(
        "a GRAB with a type where its serial should be",
        frame(GRAB, numbers(0, TEXT)),
        kept(_LOST),
        kept(_GUESTS_LOST),
    ),
    Case(
        "a GRAB with half a type",
        _grab(TEXT, odd=b"\2\0"),
        bad(
            "CLIPBOARD_GRAB",
            "types in 6 bytes, not whole numbers",
            first=grabs(TEXT),
        ),
        guests_bad(
            "CLIPBOARD_GRAB",
            "types in 6 bytes, not whole numbers",
            first=_RELEASED,
        ),
        stages.other_owns,
    ),
    Case(
        "a GRAB whose serial goes back by two",
        _grab(PNG, behind=2),
        client=kept(_LOST),
        stage=stages.first_owns_twice,
    ),
    Case(
        "a GRAB of the guest whose serial goes back",
        _grab(PNG, behind=1),
        guest=kept(_GUESTS_LOST),
        stage=stages.guest_owns_twice,
    ),
    Case(
        "a GRAB whose serial has gone round",
        _grab(PNG, behind=2),
        kept(_LOST),
        kept(_GUESTS_LOST),
    ),
    Case(
        "a GRAB that crosses the guest's",
        _grab(PNG, behind=1),
        client=kept(agent=grabs(PNG), other=grabs(PNG)),
        stage=stages.guest_owns,
    ),
    Case(
        "a GRAB that crosses a client's",
        _grab(PNG, behind=1),
        guest=kept(_GUESTS_LOST),
        stage=stages.other_owns,
    ),
]


def _nowhere(kind: str, number: int, rest: bytes, **told: Any) -> list[Case]:
    """Return the cases of a message about selections that do not exist."""
    return [
        Case(
            f"a CLIPBOARD{kind} of selection {selection}",
            frame(number, bytes([selection, 0, 0, 0]) + rest),
            bad(f"CLIPBOARD{kind}", f"selection {selection} does not exist", **told),
            guests_bad(
                f"CLIPBOARD{kind}",
                f"selection {selection} does not exist",
                **({"agent": told["first"]} if kind == "_REQUEST" else {}),
            ),
        )
        for selection in (3, 200, 255)
    ]


SELECTIONS = [
    *_nowhere("_GRAB", GRAB, numbers(0, TEXT), first=_RELEASED),
    *_nowhere("_REQUEST", REQUEST, numbers(TEXT), first=NOTHING),
    *_nowhere("", CLIPBOARD, numbers(TEXT) + b"x"),
    *_nowhere("_RELEASE", RELEASE, b""),
    Case(
        "a GRAB of a selection that is not shared",
        frame(GRAB, numbers(1, 0, TEXT)),
        kept(),
        kept(),
    ),
]


REQUESTS = [
    *(
        Case(
            f"a REQUEST of {size} bytes",
            frame(REQUEST, bytes(size)),
            bad(
                "CLIPBOARD_REQUEST",
                f"{size} bytes are no ClipboardRequest",
                first=NOTHING,
            ),
            guests_bad(
                "CLIPBOARD_REQUEST",
                f"{size} bytes are no ClipboardRequest",
                agent=NOTHING,
            ),
        )
        for size in (0, 1, 4, 7)
    ),
    *(
        Case(
            name,
            frame(REQUEST, numbers(0, type)),
            kept(first=NOTHING),
            kept(agent=NOTHING),
            stage,
        )
        for name, type, stage in [
            ("a REQUEST without a GRAB", TEXT, stages.nothing),
            ("a REQUEST of a type that is not offered", PNG, stages.other_owns),
            ("a REQUEST of nothing", 0, stages.other_owns),
            ("a REQUEST of type 2**32 - 1", 2**32 - 1, stages.other_owns),
        ]
    ),
    Case(
        "a REQUEST of the client that owns it",
        frame(REQUEST, numbers(0, TEXT)),
        client=kept(first=NOTHING),
        stage=stages.first_owns,
    ),
    Case(
        "a REQUEST of the guest that owns it",
        frame(REQUEST, numbers(0, TEXT)),
        guest=kept(agent=NOTHING),
        stage=stages.guest_owns,
    ),
]

#: Data that nobody but the one who pastes them has a say in.
_UNOPENED = {
    "an empty text": b"",
    "a text with NULs": b"\0one\0two\0",
    "a text that is no UTF-8": b"\xff\xfe\x80caf\xe9",
    "a text with a lone surrogate": b"\xed\xa0\x80",
    "a text with every end of a line": b"a\r\nb\nc\rd\n\r",
    "a PNG called a text": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
}

DATA = [
    *(
        Case(
            name,
            frame(CLIPBOARD, numbers(0, TEXT) + data),
            client=kept(agent=[Clipboard(0, TEXT, data)]),
            stage=stages.first_is_asked,
        )
        for name, data in _UNOPENED.items()
    ),
    *(
        Case(
            f"{name} of the guest",
            frame(CLIPBOARD, numbers(0, TEXT) + data),
            guest=kept(other=[Clipboard(0, TEXT, data)]),
            stage=stages.guest_is_asked,
        )
        for name, data in _UNOPENED.items()
    ),
    Case(
        "data of another type than was asked for",
        frame(CLIPBOARD, numbers(0, PNG) + b"png"),
        client=kept(agent=NO_TEXT),
        stage=stages.first_is_asked,
    ),
    Case(
        "data of the guest of another type than was asked for",
        frame(CLIPBOARD, numbers(0, PNG) + b"png"),
        guest=kept(other=[Clipboard(0, PNG, b"png")]),
        stage=stages.guest_is_asked,
    ),
    Case(
        "data that nobody asked for",
        frame(CLIPBOARD, numbers(0, TEXT) + b"unasked"),
        kept(),
        kept(),
        stages.other_owns,
    ),
    *(
        Case(
            f"clipboard data in {size} bytes",
            frame(CLIPBOARD, bytes(size)),
            client=bad("CLIPBOARD", f"{size} bytes are no Clipboard", agent=NO_TEXT),
            stage=stages.first_is_asked,
        )
        for size in (0, 1, 4, 7)
    ),
    *(
        Case(
            f"clipboard data of the guest in {size} bytes",
            frame(CLIPBOARD, bytes(size)),
            guest=guests_bad(
                "CLIPBOARD", f"{size} bytes are no Clipboard", other=NOTHING
            ),
            stage=stages.guest_is_asked,
        )
        for size in (0, 1, 4, 7)
    ),
]

RELEASES = [
    Case(
        "a RELEASE of who owns nothing",
        frame(RELEASE, numbers(0)),
        kept(),
        kept(),
        stages.other_owns,
    ),
    *(
        Case(
            f"a RELEASE of {size} bytes",
            frame(RELEASE, bytes(size)),
            bad("CLIPBOARD_RELEASE", f"RELEASE in {size} bytes"),
            guests_bad("CLIPBOARD_RELEASE", f"RELEASE in {size} bytes"),
            stages.other_owns,
        )
        for size in (0, 2, 3)
    ),
    broken(
        "a RELEASE of 5 bytes",
        frame(RELEASE, bytes(5)),
        "message of type 9 with 5 bytes, more than 4",
        CHUNK + HEADER,
    ),
]

CLIPBOARDS = [*GRABS, *SELECTIONS, *REQUESTS, *DATA, *RELEASES]
