"""What a ``console`` block says: commands, and what they print."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

#: Stands for any text in a line, and alone for any lines.
ANY = "…"

#: A line of its own where Ctrl-C is pressed.
INTERRUPT = "^C"


@dataclass
class Command:
    """A command, of one line or more, and the lines it is shown to print."""

    text: str
    shown: list[str] = field(default_factory=list)


def read_transcript(text: str) -> tuple[list[str], list[Command]]:
    """Return the lines before the first command, and the commands."""
    told: list[str] = []
    commands: list[Command] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            commands.append(Command(line[2:]))
        elif not commands:
            told.append(line)
        elif line.startswith("> ") and not commands[-1].shown:
            commands[-1].text += "\n" + line[2:]
        else:
            commands[-1].shown.append(line)
    return told, commands


def pattern(shown: Iterable[str]) -> re.Pattern[str]:
    """Return what matches output that is as *shown*."""
    return re.compile("".join(map(_line, shown)))


def _line(line: str) -> str:
    if line.strip() == ANY:
        return r"(?:.*\n)*?"
    return ".*".join(map(re.escape, line.split(ANY))) + r"\n"
