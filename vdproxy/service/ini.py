"""Configuration files as they are written: sections, keys, text."""

from __future__ import annotations

from collections.abc import Sequence
from configparser import (
    ConfigParser,
    DuplicateOptionError,
    DuplicateSectionError,
    MissingSectionHeaderError,
    ParsingError,
)
from pathlib import Path

from vdproxy.options import Section


def read_files(paths: Sequence[str], problems: list[str]) -> dict[str, Section]:
    """
    Return the sections of all *paths* by name.

    What is wrong is added to *problems*, a line each: a file that cannot be
    read, a line that is none, a key or a section that is given twice.
    """
    sections: dict[str, Section] = {}
    for path in paths:
        for section in _read_file(path, problems):
            former = sections.setdefault(section.name, section)
            if former is not section:
                problems.append(f"{path}: [{section.name}] stands in {former.file} too")
    return sections


def _read_file(path: str, problems: list[str]) -> list[Section]:
    # No file can name a section "", so that [DEFAULT] is one like any other.
    parser = ConfigParser(
        default_section="",
        delimiters=("=",),
        comment_prefixes=("#",),
        inline_comment_prefixes=("#",),
        interpolation=None,
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys keep their case
    try:
        parser.read_string(Path(path).read_text(encoding="utf-8-sig"), path)
    except OSError as error:
        problems.append(f"{path}: {error.strerror}")
    except UnicodeDecodeError as error:
        problems.append(f"{path}: not UTF-8 text, at byte {error.start}")
    except DuplicateSectionError as error:
        problems.append(
            f"{path}: [{error.section}] is given twice, line {error.lineno}"
        )
    except DuplicateOptionError as error:
        key = f"[{error.section}] {error.option}"
        problems.append(f"{path}: {key}: given twice, line {error.lineno}")
    except MissingSectionHeaderError as error:
        problems.append(f"{path}: line {error.lineno} stands in no section")
    except ParsingError as error:
        problems += [
            f"{path}: line {number} is no key = value" for number, _ in error.errors
        ]
    return [
        Section(path, " ".join(name.split()), dict(parser[name]))
        for name in parser.sections()
    ]
