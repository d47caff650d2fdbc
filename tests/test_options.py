"""Text in, dataclasses out, and the words for what could not be read."""

from __future__ import annotations

from dataclasses import dataclass, field, make_dataclass
from enum import Enum
from pathlib import Path
from typing import Literal, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdproxy.options import Section, Size, describe, key_of, nearest, option, read


@dataclass(frozen=True)
class Sample:
    needed: str
    number: int = 7
    share: float = 1.0
    on: bool = False
    size: Size = Size(1)
    place: Path = Path("/")
    kind: Literal["a", "b"] = "a"
    maybe_number: int | None = None
    maybe_size: Size | None = None
    old_style: Optional[int] = None  # noqa: UP045 - plugins may be written so
    two_words: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()

    def __post_init__(self):
        if self.number == 13:
            raise ValueError("number: not 13")


def sample(**values):
    """Read a Sample from one section; return it and the problems."""
    problems = []
    section = Section("f.ini", "s", {"needed": "x", **values})
    return read(Sample, [section], problems), problems


@pytest.mark.parametrize(
    ("key", "text", "field", "value"),
    [
        ("needed", "", "needed", ""),
        ("needed", "a # b", "needed", "a # b"),
        ("number", "-12", "number", -12),
        ("number", "007", "number", 7),
        ("share", "0.5", "share", 0.5),
        ("share", "1e3", "share", 1000.0),
        *(("on", word, "on", True) for word in ("yes", "true", "on", "Yes", "ON")),
        *(("on", word, "on", False) for word in ("no", "false", "off", "No")),
        ("size", "0", "size", 0),
        ("size", "1K", "size", 1024),
        ("size", "1M", "size", 1024**2),
        ("size", "1G", "size", 1024**3),
        ("place", "run/a b", "place", Path("run/a b")),
        ("kind", "b", "kind", "b"),
        ("maybe-number", "3", "maybe_number", 3),
        ("maybe-size", "3K", "maybe_size", 3072),
        ("old-style", "3", "old_style", 3),
        ("two-words", "a,b", "two_words", ("a", "b")),
        ("two-words", " a ,\nb c,", "two_words", ("a", "b", "c")),
        ("numbers", "1 2", "numbers", (1, 2)),
    ],
)
def test_a_text_is_read_by_its_fields_annotation(key, text, field, value):
    read_sample, problems = sample(**{key: text})
    assert problems == []
    assert getattr(read_sample, field) == value


@pytest.mark.parametrize(
    ("key", "text", "problem"),
    [
        ("number", "", "'' is not a whole number"),
        ("number", "9" * 5000, "a number of 5000 digits is too large"),
        ("number", "1_000", "'1_000' is not a whole number"),
        ("number", "0x10", "'0x10' is not a whole number"),
        ("size", "1k", "'1k' is not a size, such as 512K, 100M or 4G"),
        ("size", "-1", "'-1' is not a size, such as 512K, 100M or 4G"),
        ("size", "1KB", "'1KB' is not a size, such as 512K, 100M or 4G"),
        ("size", "K", "'K' is not a size, such as 512K, 100M or 4G"),
        ("on", "1", "'1' is none of yes, true, on, no, false, off"),
        ("kind", "A", "'A' is none of a, b"),
        ("maybe-number", "x", "'x' is not a whole number"),
        ("numbers", "1 x", "'x' is not a whole number"),
        ("two_words", "a", "unknown key, did you mean two-words?"),
    ],
)
def test_a_text_that_cannot_be_read_is_one_problem(key, text, problem):
    assert sample(**{key: text})[1] == [f"f.ini: [s] {key}: {problem}"]


@pytest.mark.parametrize("text", ["", "half", "1,5"])
def test_a_number_with_a_fraction_that_cannot_be_read_is_one_problem(text):
    (line,) = sample(share=text)[1]
    assert line.startswith("f.ini: [s] share: ")


def test_what_can_be_read_is_read_beside_what_cannot():
    read_sample, problems = sample(number="x", size="2K")
    assert (read_sample.number, read_sample.size, len(problems)) == (7, 2048, 1)


def test_every_bad_key_is_a_problem_of_its_own():
    assert len(sample(number="x", size="x", on="x", nothing="x")[1]) == 4


def test_the_dataclass_has_the_last_word():
    assert sample(number="13") == (None, ["f.ini: [s] number: not 13"])


def test_the_dataclass_is_not_asked_about_what_could_not_be_read():
    assert sample(number="13", size="x")[1] == [
        "f.ini: [s] size: 'x' is not a size, such as 512K, 100M or 4G"
    ]


def test_a_field_without_a_default_is_required():
    problems = []
    assert read(Sample, [Section("f.ini", "s", {})], problems) is None
    assert problems == ["f.ini: [s] needed: missing"]


def test_later_sections_win_key_by_key():
    problems = []
    first = Section("a.ini", "s", {"needed": "1", "number": "1"})
    second = Section("b.ini", "t", {"number": "2", "on": "yes"})
    assert read(Sample, [first, second], problems) == Sample("1", 2, on=True)
    assert problems == []


def test_a_problem_names_the_section_that_it_is_in():
    problems = []
    first = Section("a.ini", "s", {"needed": "1", "number": "x"})
    second = Section("b.ini", "t", {"size": "x"})
    read(Sample, [first, second], problems)
    assert [line.split(": ")[:2] for line in problems] == [
        ["a.ini", "[s] number"],
        ["b.ini", "[t] size"],
    ]


def test_no_section_means_defaults():
    @dataclass(frozen=True)
    class Defaults:
        number: int = 3

    problems = []
    assert (read(Defaults, [], problems), problems) == (Defaults(3), [])


@given(st.integers(0, 2**40), st.sampled_from(["", "K", "M", "G"]))
def test_a_size_is_its_number_times_its_unit(number, unit):
    factor = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}[unit]
    assert sample(size=f"{number}{unit}")[0].size == number * factor


@given(st.text())
def test_no_text_breaks_the_reading(text):
    for key in ("number", "share", "on", "size", "kind", "numbers", "two-words"):
        read_sample, problems = sample(**{key: text})
        assert read_sample is not None or problems


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("max-client", ["max-clients", "max-message"], "did you mean max-clients?"),
        ("zzz", ["b", "a"], "known are a, b"),
        ("zzz", [], "there are none"),
    ],
)
def test_a_hint_is_the_nearest_or_all_or_none(word, known, hint):
    assert nearest(word, known) == hint


def test_a_key_has_dashes_where_its_field_has_underscores():
    assert key_of("max_clients") == "max-clients"


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Told:
    needed: str
    text: str = "a b"
    nothing: str = ""
    on: bool = True
    off: bool = False
    number: int = 0
    share: float = 0.5
    size: Size = Size(3 * 1024**2)
    odd_size: Size = Size(1025)
    no_size: Size = Size(0)
    maybe: Size | None = None
    maybe_size: Size | None = Size(4 * 1024**3)
    path: Path = Path("/run/x")
    kind: Literal["a", "b"] = "b"
    colour: Colour = Colour.RED
    words: tuple[Literal["a", "b"], ...] = ("a", "b")
    sizes: tuple[Size, ...] = (Size(1024), Size(1))
    made: tuple[str, ...] = field(default_factory=tuple)


def test_options_are_described_in_the_words_of_users():
    told = {each.key: (each.kind, each.default) for each in describe(Told)}
    assert told == {
        "needed": ("text", None),
        "text": ("text", "a b"),
        "nothing": ("text", "empty"),
        "on": ("yes or no", "yes"),
        "off": ("yes or no", "no"),
        "number": ("whole number", "0"),
        "share": ("number", "0.5"),
        "size": ("size such as 512K", "3M"),
        "odd-size": ("size such as 512K", "1025"),
        "no-size": ("size such as 512K", "0"),
        "maybe": ("size such as 512K", "not set"),
        "maybe-size": ("size such as 512K", "4G"),
        "path": ("path", "/run/x"),
        "kind": ("one of: a, b", "b"),
        "colour": ("one of: red, blue", "red"),
        "words": ("words of: a, b", "a, b"),
        "sizes": ("list, each size such as 512K", "1K, 1"),
        "made": ("list, each text", "empty"),
    }


def test_an_option_has_the_meaning_that_its_author_gives_it():
    @dataclass(frozen=True)
    class Meant:
        told: int = option("how many, seconds", 3)
        untold: int = 4

    assert [each.meaning for each in describe(Meant)] == ["how many, seconds", ""]
    assert Meant() == Meant(3, 4)


@pytest.mark.parametrize("kind", [dict, list, bytes, tuple[dict, ...], None])
def test_an_option_that_no_text_spells_is_an_error(kind):
    with pytest.raises(TypeError, match="an option cannot be of type"):
        describe(make_dataclass("Odd", [("odd", kind, None)]))


def test_options_that_are_no_dataclass_are_an_error():
    for call in (
        lambda: describe(Colour),
        lambda: read(Colour, [Section("f.ini", "s", {})], []),
    ):
        with pytest.raises(TypeError, match="Options is no dataclass"):
            call()


@pytest.mark.parametrize(
    ("first", "second", "section"),
    [
        ({"number": "13"}, {"size": "1"}, "[s]"),
        ({"size": "1"}, {"number": "13"}, "[t]"),
        ({"number": "7"}, {"number": "13"}, "[t]"),
    ],
)
def test_what_the_dataclass_refuses_is_told_where_it_stands(first, second, section):
    sections = [
        Section("f.ini", "s", {"needed": "x", **first}),
        Section("f.ini", "t", second),
    ]
    problems = []
    assert read(Sample, sections, problems) is None
    assert problems == [f"f.ini: {section} number: not 13"]


def test_a_refusal_without_a_word_is_a_problem_too():
    @dataclass(frozen=True)
    class Silent:
        def __post_init__(self):
            raise ValueError

    problems = []
    assert read(Silent, [Section("f.ini", "s", {})], problems) is None
    assert problems == ["f.ini: [s] refused without a reason"]
