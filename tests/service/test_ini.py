"""What a file may look like, and the one line for each way it may not."""

from __future__ import annotations

import pytest

from vdproxy.service.ini import read_files

GUEST = "[vm:demo]\nguest = simulated:\n"


def values(path, name="vm:demo"):
    problems = []
    sections = read_files([path], problems)
    assert problems == []
    return sections[name].values


@pytest.fixture
def ini(tmp_path, monkeypatch):
    """Write vm.ini into the working directory; return its name."""
    monkeypatch.chdir(tmp_path)

    def write(text, name="vm.ini"):
        data = text if isinstance(text, bytes) else text.encode()
        (tmp_path / name).write_bytes(data)
        return name

    return write


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("guest = unix:a", "unix:a"),
        ("guest=unix:a", "unix:a"),
        ("guest = unix:a   # QEMU's socket", "unix:a"),
        ("guest = unix:a\t# after a tab", "unix:a"),
        ("guest = unix:a#b", "unix:a#b"),
        ("guest = unix:%(home)s/100%", "unix:%(home)s/100%"),
        ("guest = unix:${HOME}/a", "unix:${HOME}/a"),
        ("guest = tcp:host:1=2", "tcp:host:1=2"),
        ("guest = unix:/run/fön", "unix:/run/fön"),
        ("guest = a;b ;c", "a;b ;c"),
        ("guest =", ""),
    ],
)
def test_a_value_is_the_text_behind_the_equals_sign(ini, line, value):
    assert values(ini(f"[vm:demo]\n{line}\n")) == {"guest": value}


@pytest.mark.parametrize(
    "comment",
    [
        "# one",
        "#one",
        "    # indented",
        "#guest-listen = unix:x",
    ],
)
def test_a_line_that_begins_with_a_number_sign_is_a_comment(ini, comment):
    path = ini(f"{comment}\n[vm:demo]\n{comment}\nguest = x\n{comment}\n")
    assert values(path) == {"guest": "x"}


def test_a_comment_may_stand_behind_a_section(ini):
    assert values(ini("[vm:demo]   # a machine\nguest = x\n")) == {"guest": "x"}


def test_a_value_goes_on_over_indented_lines(ini):
    path = ini("[vm:demo]\nclients =  # who\n    vdi unix:a  # me\n\tvdi unix:b\n")
    assert values(path)["clients"].split("\n") == ["", "vdi unix:a", "vdi unix:b"]


@pytest.mark.parametrize("comment", ["    #vdi unix:b", "#    vdi unix:b", "  # b"])
def test_a_line_of_a_list_can_be_commented_out(ini, comment):
    path = ini(f"[vm:demo]\nclients =\n    vdi unix:a\n{comment}\n    vdi unix:c\n")
    assert values(path)["clients"].split() == ["vdi", "unix:a", "vdi", "unix:c"]


def test_a_list_may_begin_with_a_comment(ini):
    path = ini("[vm:demo]\nclients =\n    # people\n    vdi unix:a\n")
    assert values(path)["clients"].split() == ["vdi", "unix:a"]


def test_keys_keep_their_case(ini):
    path = ini("[vm:demo]\nGuest = x\nguest = y\n")
    assert values(path) == {"Guest": "x", "guest": "y"}


def test_lines_may_end_as_windows_ends_them(ini):
    assert values(ini(b"[vm:demo]\r\nguest = x\r\n")) == {"guest": "x"}


def test_default_is_a_section_like_any_other(ini):
    problems = []
    path = ini("[DEFAULT]\nmax-clients = 1\n[vm:demo]\nguest = x\n")
    sections = read_files([path], problems)
    assert (problems, list(sections)) == ([], ["DEFAULT", "vm:demo"])
    assert sections["vm:demo"].values == {"guest": "x"}


def test_several_files_make_one_configuration(ini):
    problems = []
    paths = [ini(GUEST, "a.ini"), ini("[vm:two]\nguest = y\n", "b.ini")]
    sections = read_files(paths, problems)
    assert problems == []
    assert [(s.name, s.file) for s in sections.values()] == [
        ("vm:demo", "a.ini"),
        ("vm:two", "b.ini"),
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            f"{GUEST}guest = unix:b\n",
            ["vm.ini: [vm:demo] guest: given twice, line 3"],
        ),
        (f"{GUEST}{GUEST}", ["vm.ini: [vm:demo] is given twice, line 3"]),
        ("guest = x\n", ["vm.ini: line 1 stands in no section"]),
        (
            f"{GUEST}handlers\nclients: vdi unix:a\n; no comment\n",
            [f"vm.ini: line {n} is no key = value" for n in (3, 4, 5)],
        ),
        (b"[vm:demo]\nguest = \xff\n", ["vm.ini: not UTF-8 text, at byte 18"]),
    ],
)
def test_each_line_that_is_none_is_told_with_its_number(ini, text, lines):
    problems = []
    read_files([ini(text)], problems)
    assert problems == lines


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("no.ini", "no.ini: No such file or directory"),
        (".", ".: Is a directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_the_reason(ini, path, line):
    ini(GUEST)
    problems = []
    read_files([path], problems)
    assert problems == [line]


def test_a_section_in_two_files_is_told_with_both(ini):
    problems = []
    read_files([ini(GUEST, "a.ini"), ini(GUEST, "b.ini")], problems)
    assert problems == ["b.ini: [vm:demo] stands in a.ini too"]


def test_every_file_is_looked_at_though_the_first_is_bad(ini):
    problems = []
    read_files([ini("x = 1\n", "a.ini"), "no.ini"], problems)
    assert problems == [
        "a.ini: line 1 stands in no section",
        "no.ini: No such file or directory",
    ]
