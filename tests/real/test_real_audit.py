"""The audit of what a real guest and its clients hand over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.peers.programs import wait_for
from tests.peers.viewer import TEXT
from tests.real.guest import LAYOUTS, Guest
from vdproxy.wire.constants import FileXferStatusResult
from vdproxy.wire.messages import Clipboard, ClipboardRelease

SUCCESS = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_SUCCESS

NAMES = ("free", "reader", "writer", "small")
OPTIONS = """
filters = policy, audit
[vm:real client:reader filter:policy]
clipboard = from-guest
files = no
[vm:real client:writer filter:policy]
clipboard = to-guest
[vm:real client:small filter:policy]
clipboard-max = 20
file-max = 20
[filter:audit]
file = {}
"""

#: What is in all that is copied and sent here, and nowhere else.
MARKER = "for your eyes only"
TEXT_SIZE = len(MARKER)

Line = tuple[object, ...]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit") / "audit.jsonl"


@pytest.fixture(scope="module")
def audited_guest(
    tmp_path_factory: pytest.TempPathFactory, file: Path
) -> Iterator[Guest]:
    directory = tmp_path_factory.mktemp("guest")
    guest = Guest(directory, OPTIONS.format(file), names=NAMES)
    yield guest
    guest.close()


@pytest.fixture
def guest(audited_guest: Guest, file: Path) -> Iterator[Guest]:
    """A guest of which nobody owns the clipboard, and no line tells what was in it."""
    yield audited_guest
    audited_guest.agent.stop_copying()
    audited_guest.wait_until_free()
    assert MARKER not in audited_guest.vdproxy.log
    assert MARKER not in file.read_text()


@pytest.fixture
def records(guest: Guest, file: Path) -> Callable[[], list[dict[str, Any]]]:
    """Return the lines of the file since the test began, which the log has as well."""
    before = file.stat().st_size if file.exists() else 0
    logged = guest.vdproxy.log.count("[vdproxy.audit#info]")

    def records() -> list[dict[str, Any]]:
        found = [json.loads(line) for line in file.read_bytes()[before:].splitlines()]
        in_log = guest.vdproxy.log.count("[vdproxy.audit#info]") - logged
        assert in_log == len(found)
        return found

    return records


def who(label: str | None) -> str | None:
    """Return whom a label means, whatever its number."""
    return label and label.partition("#")[0]


def handed_over(records: list[dict[str, Any]]) -> list[Line]:
    return [
        (r["direction"], who(r["source"]), who(r["target"]), r["type"], r["size"])
        for r in records
        if (r["event"], r["verdict"]) == ("clipboard", "passed")
    ]


def refused(records: list[dict[str, Any]]) -> list[Line]:
    return [
        (
            r["direction"],
            who(r["client"]),
            r["message"].removeprefix("VD_AGENT_"),
            r["type"],
            r["size"],
            r["filter"],
            r["reason"],
        )
        for r in records
        if (r["event"], r["verdict"]) == ("refusal", "refused")
    ]


def test_each_hand_over_is_a_line(guest: Guest, records):
    with guest.viewer(name="free") as free, guest.viewer(LAYOUTS["plain"]) as other:
        guest.agent.copy(MARKER)
        for viewer in (free, other):
            viewer.expect_grab()
            assert viewer.paste().data == MARKER.encode()
        free.copy(f"{MARKER}!".encode())
        wait_for(lambda: guest.pasted() == f"{MARKER}!", 5, "it in the guest")
        assert other.paste().data == f"{MARKER}!".encode()
    found = records()
    assert handed_over(found) == [
        ("from-guest", "guest", "free", "text", TEXT_SIZE),
        ("from-guest", "guest", "vdi", "text", TEXT_SIZE),
        ("to-guest", "free", "guest", "text", TEXT_SIZE + 1),
        ("between-clients", "free", "vdi", "text", TEXT_SIZE + 1),
    ]
    assert len(found) == 4
    assert {r["vm"] for r in found} == {"real"}
    assert {r["selection"] for r in found} == {"clipboard"}
    assert {r["reason"] for r in found} == {None}


def test_each_refusal_is_a_line(guest: Guest, records):
    with (
        guest.viewer(name="reader") as reader,
        guest.viewer(name="writer") as writer,
        guest.viewer(name="small") as small,
    ):
        guest.agent.copy(f"{MARKER}, {MARKER}")
        small.expect_grab()
        size = 2 * TEXT_SIZE + 2
        assert small.paste().data == b""
        assert writer.paste().data == b""
        reader.copy(MARKER.encode())
        reader.expect_grab()
        reader.expect_grab()
        reader.send(Clipboard(0, TEXT, MARKER.encode()))
        assert reader.paste().data == f"{MARKER}, {MARKER}".encode()
    found = records()
    refusals = refused(found)
    to_guest, from_guest = "clipboard is to-guest", "clipboard is from-guest"
    assert refusals == [
        ("from-guest", "writer", "CLIPBOARD_GRAB", "text", None, "policy", to_guest),
        (
            "from-guest",
            "small",
            "CLIPBOARD",
            "text",
            size,
            "policy",
            f"text of {size} bytes is over clipboard-max",
        ),
        (
            "from-client",
            "writer",
            "CLIPBOARD_REQUEST",
            "text",
            None,
            "policy",
            to_guest,
        ),
        ("from-client", "reader", "CLIPBOARD_GRAB", "text", None, "policy", from_guest),
        (
            "from-client",
            "reader",
            "CLIPBOARD",
            "text",
            TEXT_SIZE,
            "policy",
            from_guest,
        ),
    ]
    assert handed_over(found) == [("from-guest", "guest", "reader", "text", size)]
    assert len(found) == len(refusals) + 1


def test_each_file_is_a_line_and_its_name_is_in_none(guest: Guest, records):
    data = MARKER.encode()
    with (
        guest.viewer(name="free") as free,
        guest.viewer(name="reader") as reader,
        guest.viewer(name="small") as small,
    ):
        assert free.send_file(1, f"{MARKER}.txt", data) == SUCCESS
        for refused_one in (reader, small):
            assert refused_one.send_file(1, f"{MARKER}.txt", data * 2) != SUCCESS
    (guest.agent.files / f"{MARKER}.txt").unlink()
    begun, *others = records()
    assert (begun["event"], begun["verdict"], begun["direction"]) == (
        "file",
        "passed",
        "to-guest",
    )
    assert (who(begun["source"]), begun["target"]) == ("free", "guest")
    assert begun["size"] == TEXT_SIZE
    size = 2 * TEXT_SIZE
    over = f"file of {size} bytes is over file-max"
    start = ("FILE_XFER_START", None, size, "policy")
    assert refused(others) == [
        ("from-client", "reader", *start, "files is no"),
        ("from-client", "small", *start, over),
    ]
    assert len(others) == 2


def test_a_full_disk_costs_the_lines_and_nothing_else(tmp_path: Path):
    guest = Guest(tmp_path, OPTIONS.format("/dev/full"), names=NAMES)
    try:
        with guest.viewer(name="free") as free, guest.viewer(name="reader") as reader:
            for turn in range(3):
                guest.agent.copy(f"{MARKER} {turn}")
                data = f"{MARKER} {turn}".encode()
                for viewer in (free, reader):
                    wait_for(lambda v=viewer, d=data: v.paste().data == d, 5, "text")
            free.copy(MARKER.encode())
            wait_for(lambda: guest.pasted() == MARKER, 5, "it in the guest")
            reader.copy(MARKER.encode())
            free.release()
            assert reader.expect(ClipboardRelease) == ClipboardRelease(0)
            assert free.send_file(1, "sent", b"data") == SUCCESS
        log = guest.vdproxy.log
        assert log.count("audit lines cannot be written to /dev/full") == 1
        assert "No space left on device" in log
        assert log.count("[vdproxy.audit#info] real: clipboard ") >= 7
        assert log.count("[vdproxy.audit#info] real: refusal ") == 1
        assert MARKER not in log
    finally:
        guest.close()
