"""The audit file: one write a line, through rotations, full disks and FIFOs."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from twisted.logger import LogLevel

from tests.filters.audits import CI, GUEST, VIEWER, AloneVM, sent
from vdproxy.api import Clipboard
from vdproxy.filters.audit import Options
from vdproxy.testing import logged


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.json"


@pytest.fixture
def vm(path):
    return AloneVM(Options(path))


@pytest.fixture
def events():
    with logged() as events:
        yield events


def paste(vm, size=1):
    vm.audit.decided(sent(Clipboard(0, 1, b"x" * size), CI, GUEST))


def sizes(path):
    """Return the sizes in the audit file's lines, None for a line that is torn."""
    found = []
    for line in path.read_text().splitlines():
        try:
            found.append(json.loads(line)["size"])
        except ValueError:
            found.append(None)
    return found


def open_files():
    return len(list(Path("/dev/fd").iterdir()))


def complaints(events):
    return [e for e in events if e["log_namespace"] == "vdproxy"]


def writes_of(monkeypatch, *sizes):
    """Have the first writes take so many bytes; return all that is written."""
    left = list(sizes)
    tried = []
    write = os.write

    def some(file, data):
        tried.append(bytes(data))
        return write(file, data[: left.pop(0)] if left else data)

    monkeypatch.setattr(os, "write", some)
    return tried


def test_lines_are_appended_to_what_is_there(vm, path):
    path.write_text('{"size": 7}\n')
    paste(vm, 1)
    paste(vm, 2)
    assert sizes(path) == [7, 1, 2]
    assert path.read_bytes().endswith(b"\n")


def test_a_new_file_is_not_for_everybody(vm, path):
    before = os.umask(0)
    try:
        paste(vm)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_line_is_one_write(vm, monkeypatch):
    tried = writes_of(monkeypatch)
    paste(vm)
    (line,) = tried
    assert line.endswith(b"}\n")


def test_no_file_stays_open(vm):
    before = open_files()
    paste(vm)
    paste(vm)
    assert open_files() == before


def test_the_path_is_relative_to_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    paste(AloneVM(Options(Path("run/audit.json"))))
    assert sizes(tmp_path / "run/audit.json") == [1]


def test_after_a_rotation_there_is_a_new_file(vm, path, events):
    paste(vm, 1)
    old = path.rename(path.with_suffix(".1"))
    paste(vm, 2)
    assert (sizes(old), sizes(path)) == ([1], [2])
    path.unlink()
    paste(vm, 3)
    assert sizes(path) == [3]
    assert complaints(events) == []


def test_a_directory_that_is_missing_loses_lines_until_it_is_there(tmp_path, events):
    path = tmp_path / "later" / "audit.json"
    vm = AloneVM(Options(path))
    for _ in range(3):
        paste(vm)
    (failing,) = complaints(events)
    assert failing["log_level"] is LogLevel.critical
    assert failing["file"] == path
    assert failing["error"] == "No such file or directory"
    assert vm.counted == {"audit-lines-lost": 3}
    path.parent.mkdir()
    paste(vm, 4)
    paste(vm, 5)
    (_, again) = complaints(events)
    assert (again["log_level"], again["count"]) == (LogLevel.warn, 3)
    assert sizes(path) == [4, 5]
    assert vm.counted == {"audit-lines-lost": 3}


def test_each_time_that_it_fails_is_told(vm, path, events):
    for _ in range(2):
        path.mkdir()
        paste(vm)
        paste(vm)
        path.rmdir()
        paste(vm)
        path.unlink()
    words = [event["log_level"].name for event in complaints(events)]
    assert words == ["critical", "warn"] * 2
    assert [e["count"] for e in complaints(events) if "count" in e] == [2, 2]
    assert vm.counted == {"audit-lines-lost": 4}


def test_lines_that_no_file_takes_are_in_the_log(path, events):
    path.mkdir()
    paste(AloneVM(Options(path)), 12)
    (line,) = [e for e in events if e["log_namespace"] == "vdproxy.audit"]
    assert line["size"] == 12


def test_a_full_disk_loses_lines(tmp_path, events):
    path = tmp_path / "audit.json"
    path.symlink_to("/dev/full")
    vm = AloneVM(Options(path))
    paste(vm)
    paste(vm)
    (failing,) = complaints(events)
    assert failing["error"] == "No space left on device"
    assert vm.counted == {"audit-lines-lost": 2}


def test_a_line_after_a_torn_one_begins_on_its_own(vm, path, monkeypatch, events):
    writes_of(monkeypatch, 1000, 20)
    paste(vm, 1)
    paste(vm, 2)
    assert sizes(path) == [1, None]
    assert vm.counted == {"audit-lines-lost": 1}
    paste(vm, 3)
    paste(vm, 4)
    assert sizes(path) == [1, None, 3, 4]
    assert b"\n\n" not in path.read_bytes()
    failing, again = complaints(events)
    assert failing["error"] == "No space left on device"
    assert again["count"] == 1


@pytest.mark.parametrize("taken", [0, 1, 2, 30])
def test_lines_may_be_torn_in_a_row(vm, path, monkeypatch, taken):
    writes_of(monkeypatch, 20, taken, taken)
    for size in range(1, 5):
        paste(vm, size)
    assert [size for size in sizes(path) if size is not None] == [4]
    assert vm.counted == {"audit-lines-lost": 3}


def test_another_vm_begins_on_a_line_of_its_own(vm, path, monkeypatch):
    writes_of(monkeypatch, 20)
    paste(vm, 1)
    paste(AloneVM(Options(path), "debian"), 2)
    assert sizes(path) == [None, 2]


def test_a_torn_line_that_was_rotated_away_leaves_no_gap(vm, path, monkeypatch):
    writes_of(monkeypatch, 20)
    paste(vm, 1)
    path.rename(path.with_suffix(".1"))
    paste(vm, 2)
    assert sizes(path) == [2]


def test_a_file_that_may_not_be_read_is_taken_to_be_whole(vm, path, monkeypatch):
    opened = os.open

    def may_write(name, flags, *mode):
        if not flags & os.O_WRONLY:
            raise PermissionError(13, "Permission denied")
        return opened(name, flags, *mode)

    monkeypatch.setattr(os, "open", may_write)
    paste(vm, 1)
    paste(vm, 2)
    assert vm.counted == {}
    monkeypatch.undo()
    assert sizes(path) == [1, 2]


def test_a_fifo_without_a_reader_stops_nothing(vm, path, events):
    os.mkfifo(path)
    paste(vm, 1)
    (failing,) = complaints(events)
    assert failing["error"] == "No such device or address"
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        paste(vm, 2)
        lines = os.read(reader, 65536).splitlines()
    finally:
        os.close(reader)
    assert [json.loads(line)["size"] for line in lines] == [2]
    assert complaints(events)[-1]["count"] == 1


def test_a_fifo_that_is_full_stops_nothing(vm, path):
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        while not vm.counted:
            paste(vm)
        while os.read(reader, 65536):
            pass
        paste(vm, 2)
    finally:
        os.close(reader)
    assert vm.counted == {"audit-lines-lost": 1}


def test_an_empty_path_is_no_file():
    with pytest.raises(ValueError, match="file: a path is needed"):
        Options(Path())


def test_lines_about_a_client_go_to_its_own_file(tmp_path):
    shared, own = tmp_path / "shared", tmp_path / "own"
    vm = AloneVM(Options(shared), special={CI.label: Options(own)})
    text = Clipboard(0, 1, b"x")
    vm.audit.decided(sent(text, CI, GUEST))
    vm.audit.decided(sent(text, GUEST, CI))
    vm.audit.decided(sent(text, VIEWER, GUEST))
    assert [line["client"] for line in vm.records(own)] == [CI.label] * 2
    assert [line["client"] for line in vm.records(shared)] == [VIEWER.label]


def test_a_stop_tells_how_many_lines_were_lost(events, tmp_path):
    vm = AloneVM(Options(tmp_path))
    paste(vm)
    paste(vm)
    vm.audit.stop()
    first, last = complaints(events)
    assert first["log_level"] is LogLevel.critical
    assert last["count"] == 2
