"""
Options: sections of text in, frozen dataclasses out.

A field ``max_clients`` is the key ``max-clients``; its annotation says how the
text is read, its default is the option's, and a field without one is required.
``__post_init__`` may raise ValueError, with a line for each problem.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
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


@dataclass(frozen=True)
class Section:
    """One section of a configuration file."""

    file: str
    name: str
    values: dict[str, str]

    def problem(self, key: str, text: str) -> str:
        """Return the line that says what is wrong with *key*."""
        return f"{self.file}: [{self.name}] {key}: {text}"


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
    for field in fields(options):  # type: ignore[arg-type]  # a dataclass type
        optional = (field.default, field.default_factory) != (MISSING, MISSING)
        if not optional and field.name not in found:
            problems.append(where.problem(key_of(field.name), "missing"))
            return None
    try:
        return options(**found)
    except ValueError as error:
        # What else is wrong may be why.
        if len(problems) == before:
            lines = str(error).splitlines()
            problems += [f"{where.file}: [{where.name}] {line}" for line in lines]
        return None


def check(
    options: type[Any], section: Section, problems: list[str]
) -> dict[str, object]:
    """
    Return the values of one section for the fields of *options*.

    What is wrong with its keys is added to *problems*, a line each.
    """
    hints = get_type_hints(options)
    keys = {key_of(field.name): field.name for field in fields(options)}
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
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _one_of({member.value: member for member in kind}, text, text)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return _one_of({word: word for word in arguments}, text, text)
    if origin in (Union, UnionType):
        return _convert(arguments[0], text)
    if origin is tuple:
        words = text.replace(",", " ").split()
        return tuple(_convert(arguments[0], word) for word in words)
    raise TypeError(f"an option cannot be of type {kind}")


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
