"""Figures that tests measure, for docs/reliability.md."""

from __future__ import annotations

import json
import os
from pathlib import Path


def report(name: str, **figures: float | str) -> None:
    """
    Print what was measured as one line.

    It is appended, as a line of JSON, to the file that the environment variable
    VDPROXY_FIGURES names, if it is set.
    """
    rounded = {
        key: round(value, 4) if isinstance(value, float) else value
        for key, value in figures.items()
    }
    line = ", ".join(f"{key} {value}" for key, value in rounded.items())
    print(f"{name}: {line}")  # noqa: T201 - that is what it is for
    path = os.environ.get("VDPROXY_FIGURES")
    if path:
        with Path(path).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"name": name, **rounded}) + "\n")
