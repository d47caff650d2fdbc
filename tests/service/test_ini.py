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


def test_a_folder_is_no_file(ini):
    problems = []
    assert read_files(["."], problems) == {}
    assert problems == [".: Is a directory"]
