"""Cases of file transfers; the client's are called 9, the first in the guest 1."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tests.hostile import stages
from tests.hostile.case import Case, Verdict, bad, broken, guests_bad, kept
from tests.hostile.framing import CHUNK, DATA, HEADER, START, STATUS
from tests.hostile.room import CAN_SEND_DATA, CANCELLED, ERROR, SUCCESS
from tests.link.frames import numbers
from tests.wire.decoding import chunk, frame, message
from vdproxy.wire.messages import FileXferStart, FileXferStatus, Message

_ENDS = "file transfer of client vdi#1 of 10 bytes ends: "
_FAILED = _ENDS + "VD_AGENT_FILE_XFER_STATUS_ERROR"
_REFUSED: Sequence[Message] = [FileXferStatus(9, ERROR)]
_ABORTED: dict[str, Sequence[Message]] = {
    "agent": [FileXferStatus(1, CANCELLED)],
    "first": _REFUSED,
}


def _start(text: bytes, id: int = 9) -> bytes:
    return frame(START, numbers(id) + text)


def _key_file(name: bytes = b"a", size: bytes = b"10") -> bytes:
    return b"[vdagent-file-xfer]\nname=%b\nsize=%b\n\0" % (name, size)


def _bad_key_file(name: str, text: bytes, reason: str) -> Case:
    return Case(
        name,
        _start(text),
        bad("FILE_XFER_START", reason, first=_REFUSED),
        guests_bad("FILE_XFER_START", reason),
    )


def _begins(size: int, id: int = 9, name: str = "a") -> Verdict:
    return kept(
        f"file transfer of client vdi#1 begins: {size} bytes",
        agent=[FileXferStart(1, name, size)],
    )


def _refused(why: str) -> Verdict:
    line = f"file transfer of client vdi#1 refused: {why}"
    return kept(line, first=_REFUSED)


KEY_FILES = [
    _bad_key_file(
        "a START without its NUL",
        _key_file()[:-1],
        "key file that does not end with its one NUL",
    ),
    _bad_key_file(
        "a START with bytes behind its NUL",
        _key_file() + b"more",
        "key file that does not end with its one NUL",
    ),
    _bad_key_file(
        "a START without a key file",
        b"",
        "key file that does not end with its one NUL",
    ),
    _bad_key_file(
        "a START with an empty key file", b"\0", "key file without name and size"
    ),
    _bad_key_file(
        "a START with a line that is none",
        b"[vdagent-file-xfer]\nname\n\0",
        "key file with a line that is no key",
    ),
    _bad_key_file(
        "a START with keys of another group",
        _key_file().replace(b"vdagent", b"another"),
        "key file without name and size",
    ),
    _bad_key_file(
        "a START without a size",
        b"[vdagent-file-xfer]\nname=a\n\0",
        "key file without name and size",
    ),
    _bad_key_file(
        "a START without a name",
        b"[vdagent-file-xfer]\nsize=10\n\0",
        "key file without name and size",
    ),
    _bad_key_file(
        "a START with an escape that is none",
        _key_file(rb"\x"),
        "key file with an unknown escape",
    ),
    _bad_key_file(
        "a START that is no UTF-8",
        _key_file(b"\xff\xfe"),
        f"{4 + len(_key_file(b'xx'))} bytes are no FileXferStart",
    ),
    *(
        _bad_key_file(
            f"a START with the size {size or 'of no digits'}",
            _key_file(size=size.encode()),
            "file transfer whose size is no number",
        )
        for size in ("", "-1", "1e3", "0x10", "1" * 21)
    ),
    _bad_key_file(
        "a START with the size 2**64",
        _key_file(size=b"%d" % 2**64),
        f"file transfer whose size is over {2**64 - 1}",
    ),
    Case(
        "a START with the size 2**63",
        _start(_key_file(size=b"%d" % 2**63)),
        _begins(2**63),
        kept(),
    ),
    *(
        Case(f"a START with the id {id}", _start(_key_file(), id), _begins(10), kept())
        for id in (0, 2**31, 2**32 - 1)
    ),
    *(
        Case(
            f"a START of {size} bytes",
            frame(START, bytes(size)),
            bad("FILE_XFER_START", f"{size} bytes are no FileXferStart"),
            guests_bad("FILE_XFER_START", f"{size} bytes are no FileXferStart"),
        )
        for size in (0, 3)
    ),
    broken(
        "a START over 64 KiB",
        chunk(message(START, bytes(2028), size=64 * 1024 + 5)),
        "message of type 10 with 65541 bytes, more than 65540",
        CHUNK + HEADER,
    ),
]

NAMES = [
    *(
        Case(
            f"a file called {name!r}",
            _start(_key_file(name)),
            _refused("its name is no file's"),
            kept(),
        )
        for name in (
            b"",
            b".",
            b"..",
            b"/",
            b"../a",
            b"/etc/passwd",
            b"a/b",
            rb"a\\b",
            rb"a\nb",
            b"a\x7f",
        )
    ),
    Case(
        "a file with a name of 255 characters",
        _start(_key_file(b"n" * 255)),
        _begins(10, name="n" * 255),
        kept(),
    ),
    *(
        Case(
            f"a file with a name of {length} characters",
            _start(_key_file(b"n" * length)),
            _refused("its name is no file's"),
            kept(),
        )
        for length in (256, 4096)
    ),
    Case(
        "a START whose id is running",
        _start(_key_file()),
        client=_refused("one of its id is running"),
        stage=stages.file_runs,
    ),
]


def _data(claim: int, data: bytes, id: int = 9) -> bytes:
    return frame(DATA, struct.pack("<IQ", id, claim) + data)


PIECES = [
    Case("DATA of a file that nobody sends", _data(3, b"abc", 99), kept(), kept()),
    Case(
        "DATA of another client's file",
        _data(3, b"abc") + _data(3, b"abc", id=1),
        kept(),
        kept(),
        stages.others_file_runs,
    ),
    Case(
        "DATA past the end of the file",
        _data(11, bytes(11)),
        client=kept(
            "client vdi#1 has sent more than the 10 bytes of its file",
            _FAILED,
            **_ABORTED,
        ),
        stage=stages.file_runs,
    ),
    *(
        Case(
            f"DATA of 3 bytes that claims {claim}",
            _data(claim, b"abc"),
            client=kept(
                "client vdi#1 sent a bad VD_AGENT_FILE_XFER_DATA: "
                f"file data of 3 bytes that claims {claim}",
                _FAILED,
                **_ABORTED,
            ),
            stage=stages.file_runs,
        )
        for claim in (0, 2, 4, 8_000_000, 2**32 + 3, 2**63, 2**64 - 1)
    ),
    Case(
        "DATA of 11 bytes",
        frame(DATA, bytes(11)),
        bad("FILE_XFER_DATA", "11 bytes are no FileXferData"),
        guests_bad("FILE_XFER_DATA", "11 bytes are no FileXferData"),
    ),
]


def _status(result: int, id: int = 9, detail: bytes = b"") -> bytes:
    return frame(STATUS, numbers(id, result) + detail)


STATUSES = [
    Case(
        "a thousand STATUS of files that nobody sends",
        b"".join(_status(id % 8, 1000 + id) for id in range(1000)),
        kept(),
        kept(),
    ),
    Case(
        "STATUS of another client's file",
        b"".join(_status(result, id) for result in range(8) for id in (1, 9)),
        client=kept(),
        stage=stages.others_file_runs,
    ),
    Case(
        "a STATUS of a client that says what only the guest can",
        _status(CAN_SEND_DATA) + _status(SUCCESS),
        client=kept(),
        stage=stages.file_runs,
    ),
    *(
        Case(
            f"a STATUS of {size} bytes",
            frame(STATUS, bytes(size)),
            bad("FILE_XFER_STATUS", f"{size} bytes are no FileXferStatus"),
            guests_bad("FILE_XFER_STATUS", f"{size} bytes are no FileXferStatus"),
        )
        for size in (0, 3, 7)
    ),
    Case(
        "a STATUS of a running file that is cut",
        frame(STATUS, numbers(1) + b"\3\0\0"),
        guest=kept(
            "guest sent a bad VD_AGENT_FILE_XFER_STATUS: 7 bytes are no FileXferStatus",
            _FAILED,
            **_ABORTED,
        ),
        stage=stages.file_runs,
    ),
    *(
        Case(
            f"a STATUS of a running file with the result {result}",
            _status(result, 1, b"whatever it is"),
            guest=kept(f"{_ENDS}result {result}", first=[FileXferStatus(9, result)]),
            stage=stages.file_runs,
        )
        for result in (8, 2**31, 2**32 - 1)
    ),
    Case(
        "a STATUS of a file that has ended",
        _status(SUCCESS, 1) + _status(SUCCESS, 1) + _status(CAN_SEND_DATA, 1),
        guest=kept(
            f"{_ENDS}VD_AGENT_FILE_XFER_STATUS_SUCCESS",
            first=[FileXferStatus(9, SUCCESS)],
        ),
        stage=stages.file_runs,
    ),
    broken(
        "a STATUS of 73 bytes",
        frame(STATUS, bytes(73)),
        "message of type 11 with 73 bytes, more than 72",
        CHUNK + HEADER,
    ),
]

FILES = [*KEY_FILES, *NAMES, *PIECES, *STATUSES]
