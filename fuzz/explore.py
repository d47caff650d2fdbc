"""
Try a target with inputs that atheris makes up, led by what they reach.

``python -m fuzz.explore TARGET`` takes libFuzzer's own options behind that.
"""

from __future__ import annotations

import sys
from importlib import import_module

import atheris
from twisted.logger import globalLogBeginner


def main() -> None:
    """Explore the target that the command line names."""
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
    target, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["vdproxy"]):
        check = import_module(f"fuzz.{target}").check
        # Plugins are imported when they are first used.
        check(b"")
    atheris.Setup([sys.argv[0], *options], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
