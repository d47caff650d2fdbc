"""What can be said in the sections ``[filter:policy]``."""

from __future__ import annotations

from dataclasses import fields

import pytest

from vdproxy.filters.policy import Options
from vdproxy.options import Section, read
from vdproxy.registry import find


def options(*sections):
    """Read options from sections, the last of which wins; return the problems too."""
    problems = []
    read_sections = [Section("vm.ini", "filter:policy", values) for values in sections]
    return read(Options, read_sections, problems), problems


def test_without_a_word_everything_is_allowed():
    assert options({}) == (
        Options(
            clipboard="both",
            clipboard_types=("any",),
            clipboard_max=None,
            files=True,
            file_max=None,
            file_names=("*",),
            monitors=True,
            mouse=True,
        ),
        [],
    )


def test_each_option_is_read():
    read_options, problems = options(
        {
            "clipboard": "to-guest",
            "clipboard-types": "text, png",
            "clipboard-max": "1M",
            "files": "no",
            "file-max": "4G",
            "file-names": "*.txt, report ?.pdf",
            "monitors": "no",
            "mouse": "no",
        }
    )
    assert problems == []
    assert read_options == Options(
        clipboard="to-guest",
        clipboard_types=("text", "png"),
        clipboard_max=1024**2,
        files=False,
        file_max=4 * 1024**3,
        file_names=("*.txt", "report", "?.pdf"),
        monitors=False,
        mouse=False,
    )


def test_the_more_special_section_wins_key_by_key():
    general = {"clipboard": "none", "files": "no", "clipboard-types": "text"}
    merged, problems = options(general, {"clipboard": "both"})
    assert problems == []
    assert merged == Options("both", ("text",), files=False)


@pytest.mark.parametrize(
    ("key", "text", "problem"),
    [
        ("clipboard", "neither", "'neither' is none of both, to-guest, from-guest, no"),
        ("clipboard-types", "html", "'html' is none of text, png, bmp, tiff, jpg, fil"),
        ("clipboard-types", " , ", "at least one is needed, or clipboard = none"),
        ("clipboard-max", "0", "at least 1 is needed, or clipboard = none"),
        ("clipboard-max", "-1", "'-1' is not a size"),
        ("file-max", "0", "at least 1 is needed, or files = no"),
        ("file-names", "", "at least one is needed, or files = no"),
        ("mouse", "maybe", "'maybe' is none of yes"),
        ("keyboard", "no", "unknown key"),
    ],
)
def test_what_makes_no_sense_is_a_problem(key, text, problem):
    _, (line,) = options({key: text})
    assert line.startswith(f"vm.ini: [filter:policy] {key}: {problem}")


def test_every_problem_is_told():
    read_options, problems = options(
        {"clipboard-types": "", "clipboard-max": "0", "file-max": "0", "file-names": ""}
    )
    assert read_options is None
    assert len(problems) == 4


def test_each_option_has_a_meaning_of_one_line():
    meanings = [field.metadata["meaning"] for field in fields(Options)]
    assert all(meanings)
    assert not any("\n" in meaning for meaning in meanings)


def test_what_it_fails_on_does_not_pass():
    assert find("filter").makers["policy"].fails_closed
