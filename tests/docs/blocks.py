"""The fenced code blocks of a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: The opening line of a fence: it may be indented, as in a list.
_FENCE = re.compile(r" {0,3}(`{3,})(.*)")

#: What begins code that has no language.
_NO_FENCE = re.compile(r"\t| {4}| {0,3}(?:~~~|<pre)")

#: The words of a diagram.
_ARROWS_AND_BOXES = set("─│┌┐└┘├┤┬┴┼▶◀▲▼→←⇄⇒⟶")

#: Languages of files, and how the names of those end.
_SUFFIXES = {"ini": ".ini", "python": ".py", "toml": ".toml", "cfg": ".cfg"}

_LANGUAGES = {"console", "text", "xml", *_SUFFIXES}


class PageError(AssertionError):
    """A page is not written as it must be, or does not say what is so."""

    def __init__(self, line: int, what: object) -> None:
        super().__init__(f"line {line}: {what}")


@dataclass(frozen=True)
class Block:
    """
    A block whose text begins after *line* of its page.

    *running* is whether its last command goes on, *name* the file that the prose
    right before it names, and *section* the number of the ``##`` headings above.
    """

    line: int
    language: str
    running: bool
    name: str | None
    section: int
    text: str


def read_blocks(page: str) -> list[Block]:
    """
    Return the blocks of a page.

    :raises PageError: a block is one that nothing would check.
    """
    blocks = list(_fences(page))
    for previous, block in zip([None, *blocks], blocks, strict=False):
        if block.language not in _LANGUAGES:
            raise PageError(block.line, f"unknown language {block.language!r}")
        if block.language == "text" and not (
            _ARROWS_AND_BOXES & set(block.text) or (previous and prints(previous))
        ):
            raise PageError(block.line, "neither a diagram nor what python prints")
        if block.language in ("toml", "cfg") and not block.name:
            raise PageError(block.line, "no file is named before it")
        if block.name and not any(
            later.language == "console" and later.line > block.line for later in blocks
        ):
            raise PageError(block.line, f"no command comes after {block.name}")
    return blocks


def prints(block: Block) -> bool:
    """Tell whether what *block* prints is the ``text`` after it."""
    return block.language == "python" and not block.name


def _fences(page: str) -> Iterator[Block]:
    lines = enumerate(page.splitlines(), 1)
    section, last, after_blank = 0, "", True
    for number, line in lines:
        if fence := _FENCE.fullmatch(line):
            ticks, info = fence.groups()
            indent = line[: fence.start(1)]
            body = []
            for _, inner in lines:
                if inner.strip() == ticks:
                    break
                body.append(inner.removeprefix(indent) + "\n")
            else:
                raise PageError(number, "the block has no end")
            language, _, rest = info.partition(" ")
            if rest and (language, rest) != ("console", "running"):
                raise PageError(number, f"what does {info!r} mean?")
            name = _file(last, language)
            yield Block(number, language, bool(rest), name, section, "".join(body))
            last = ""
        elif after_blank and _NO_FENCE.match(line) and line.strip():
            raise PageError(number, "code without a fence and a language")
        elif line.strip():
            section += line.startswith("## ")
            last = line
        after_blank = not line.strip()


def _file(prose: str, language: str) -> str | None:
    """Return the file that the last line of a paragraph names."""
    named = re.search(r"`([\w./-]+)`:\s*$", prose)
    if named and language in _SUFFIXES and named[1].endswith(_SUFFIXES[language]):
        return named[1]
    return None
