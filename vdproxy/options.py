"""
Options: sections of text in, frozen dataclasses out.

A field ``max_clients`` is the key ``max-clients``; its annotation says how the
text is read, its default is the option's, and a field without one is required.
``__post_init__`` may raise ValueError, with a line ``key: …`` for each problem.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import (
    Any,
    Literal,
    NewType,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

_T = TypeVar("_T")

#: A number of bytes; its text may end in K, M or G (binary).
Size = NewType("Size", int)

_MAX_DIGITS = 18
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
_TRUTH = {
    "yes": True,
    "true": True,
    "on": True,
    "no": False,
    "false": False,
    "off": False,
}


#: What may be written, in the user's words.
_SPELLED = {
    str: "text",
    bool: "yes or no",
    Size: "size such as 512K",
    int: "whole number",
    float: "number",
    Path: "path",
}


def option(meaning: str, default: _T) -> _T:
    """
    Return a field with a default, of which ``vdproxy plugins`` tells the *meaning*.

    It is one line for the person who writes the configuration, with units.
    """
    made: _T = field(default=default, metadata={"meaning": meaning})
    return made


@dataclass(frozen=True)
class Section:
    """One section of a configuration file."""

    file: str
    name: str
    values: dict[str, str]

    @property
    def where(self) -> str:
        """What a line about this section begins with."""
        return f"{self.file}: [{self.name}]"

    def problem(self, key: str, text: str) -> str:
        """Return the line that says what is wrong with *key*."""
        return f"{self.where} {key}: {text}"


@dataclass(frozen=True)
class Description:
    """
    What a user is told of one option.

    ``kind`` says what may be written, ``default`` what holds if nothing is, None if
    the option is required; ``meaning`` is empty where its author says nothing.
    """

    key: str
    kind: str
    default: str | None
    meaning: str


def describe(options: type[Any]) -> list[Description]:
    """
    Return what there is to know of each field of *options*.

    :raises TypeError: it is no dataclass, or no text spells a field's type; a
        type that cannot be found is a NameError.
    """
    hints = get_type_hints(options)
    described = []
    for each in _fields(options):
        kind = _kind(hints[each.name])
        default = None
        if each.default is not MISSING:
            default = _spelled(hints[each.name], each.default)
        elif each.default_factory is not MISSING:
            default = _spelled(hints[each.name], each.default_factory())
        meaning = each.metadata.get("meaning", "")
        described.append(Description(key_of(each.name), kind, default, meaning))
    return described


def _kind(kind: Any) -> str:  # noqa: ANN401 - any annotation
    """Return what may be written for an annotation, or raise TypeError."""
    if kind in _SPELLED:
        return _SPELLED[kind]
    if words := _words(kind):
        return f"one of: {', '.join(words)}"
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _kind(arguments[0])
    if origin is tuple:
        if words := _words(arguments[0]):
            return f"words of: {', '.join(words)}"
        return f"list, each {_kind(arguments[0])}"
    raise TypeError(f"an option cannot be of type {kind}")


def _spelled(kind: Any, value: Any) -> str:  # noqa: ANN401 - any annotation, any value
    """Return the text for the *value* of an option."""
    if value is None:
        return "not set"
    if value in ("", ()):
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return ", ".join(_spelled(get_args(kind)[0], each) for each in value)
    if value and Size in (kind, *get_args(kind)):
        unit = next(u for u in reversed(_UNITS) if value % _UNITS[u] == 0)
        return f"{value // _UNITS[unit]}{unit}"
    return str(value)


def nearest(word: str, known: Sequence[str]) -> str:
    """Return a hint at the known word that *word* may have been meant for."""
    if not known:
        return "there are none"
    matches = get_close_matches(word, known, 1)
    if matches:
        return f"did you mean {matches[0]}?"
    return f"known are {', '.join(sorted(known))}"


def key_of(field_name: str) -> str:
    """Return the key in a file for a field of a dataclass."""
    return field_name.replace("_", "-")


def read(
    options: type[_T], sections: Sequence[Section], problems: list[str]
) -> _T | None:
    """
    Return *options* filled from *sections*, of which later ones win key by key.

    What is wrong is added to *problems*, a line each, and left out; None is
    returned if nothing can be made of the rest.
    """
    found: dict[str, Any] = {}
    before = len(problems)
    for section in sections:
        found |= check(options, section, problems)
    where = sections[-1] if sections else Section("", "", {})
    for each in _fields(options):
        optional = (each.default, each.default_factory) != (MISSING, MISSING)
        if not optional and each.name not in found:
            problems.append(where.problem(key_of(each.name), "missing"))
            return None
    try:
        return options(**found)
    except ValueError as error:
        # What else is wrong may be why.
        if len(problems) == before:
            for line in str(error).splitlines() or ["refused without a reason"]:
                key = line.partition(":")[0]
                given = [section for section in sections if key in section.values]
                told = given[-1] if given else where
                problems.append(f"{told.where} {line}")
        return None


def check(
    options: type[Any], section: Section, problems: list[str]
) -> dict[str, object]:
    """
    Return the values of one section for the fields of *options*.

    What is wrong with its keys is added to *problems*, a line each.
    """
    hints = get_type_hints(options)
    keys = {key_of(each.name): each.name for each in _fields(options)}
    found: dict[str, object] = {}
    for key, text in section.values.items():
        if key not in keys:
            hint = nearest(key, list(keys))
            problems.append(section.problem(key, f"unknown key, {hint}"))
            continue
        try:
            found[keys[key]] = _convert(hints[keys[key]], text)
        except ValueError as error:
            problems.append(section.problem(key, str(error)))
    return found


def _fields(options: type[Any]) -> tuple[Field[Any], ...]:
    if not is_dataclass(options):
        raise TypeError("Options is no dataclass")
    return fields(options)


def _convert(kind: Any, text: str) -> Any:  # noqa: ANN401 - any annotation, any value
    """Return the value that *text* spells for an annotation, or raise ValueError."""
    if kind is str:
        return text
    if kind is bool:
        return _one_of(_TRUTH, text.lower(), text)
    if kind is Size:
        return _size(text)
    if kind is int:
        if not re.fullmatch(r"-?[0-9]+", text):
            raise ValueError(f"{text!r} is not a whole number")
        if len(text) > _MAX_DIGITS:
            raise ValueError(f"a number of {len(text)} digits is too large")
        return int(text)
    if kind is float:
        return _number(text)
    if kind is Path:
        return Path(text)
    if words := _words(kind):
        return _one_of(words, text, text)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _convert(arguments[0], text)
    if origin is tuple:
        return tuple(_convert(arguments[0], word) for word in split(text))
    raise TypeError(f"an option cannot be of type {kind}")


def _words(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - any annotation
    """Return the values of an annotation that has few, by their words."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {member.value: member for member in kind}
    if get_origin(kind) is Literal:
        return {word: word for word in get_args(kind)}
    return {}


def split(text: str) -> list[str]:
    """Return the words of a list, which commas or white space separate."""
    return text.replace(",", " ").split()


def _one_of(known: dict[str, Any], word: str, text: str) -> Any:  # noqa: ANN401 - see _convert
    if word not in known:
        raise ValueError(f"{text!r} is none of {', '.join(known)}")
    return known[word]


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not a number")
    return number


def _size(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,18})([KMG]?)", text)
    if match is None:
        raise ValueError(f"{text!r} is not a size, such as 512K, 100M or 4G")
    return int(match[1]) * _UNITS[match[2]]
