"""
Keep the fewest inputs that reach everything.

``python -m fuzz.least TARGET`` takes what is in ``fuzz/corpus`` and ``fuzz/found``,
and leaves in ``fuzz/corpus`` one input after the other that reaches the most of what
none before it did: steps from line to line of vdproxy's code.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from hashlib import sha1
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

_HERE = Path(__file__).parent
_CODE = str(_HERE.parent / "vdproxy")

_Steps = set[tuple[str, int, int]]


def _reached(check: Callable[[bytes], None], data: bytes) -> _Steps:
    """Return the steps from line to line that an input leads to."""
    steps: _Steps = set()

    def trace(frame: FrameType, event: str, arg: object) -> Any:  # noqa: ANN401
        name = frame.f_code.co_filename
        if not name.startswith(_CODE):
            return None
        before = 0

        def line(frame: FrameType, event: str, arg: object) -> Any:  # noqa: ANN401
            nonlocal before
            steps.add((name, before, frame.f_lineno))
            before = frame.f_lineno
            return line

        return line

    sys.settrace(trace)
    try:
        check(data)
    finally:
        sys.settrace(None)
    return steps


def main() -> None:
    """Keep the fewest inputs of the target that the command line names."""
    target = sys.argv[1]
    check = import_module(f"fuzz.{target}").check
    corpus = _HERE / "corpus" / target
    paths = [*corpus.glob("*"), *(_HERE / "found" / target).glob("*")]
    inputs = sorted({path.read_bytes() for path in paths}, key=lambda d: (len(d), d))
    check(b"")
    left = {data: _reached(check, data) for data in inputs}
    for path in corpus.glob("*"):
        path.unlink()
    while left:
        best = max(left, key=lambda data: len(left[data]))
        reached = left.pop(best)
        name = sha1(best, usedforsecurity=False).hexdigest()[:16]
        (corpus / name).write_bytes(best)
        left = {data: rest for data, steps in left.items() if (rest := steps - reached)}


if __name__ == "__main__":
    main()
