"""
Where the time of bulk goes: bytes alone, messages, and all of vdproxy.

A file's chunks could go on as they are, so it is measured as well what checks no more
than their headers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from bench import relays
from bench.bulk import MIB, pasting, pushing
from bench.race import Race
from bench.relays import Starter
from bench.stand import race

_CONTESTANTS: Mapping[str, Starter] = {
    "bytes": relays.twisted("--wide"),
    "messages": relays.twisted("--messages", cuts=True),
    "vdproxy": relays.vdproxy(),
}


def run(rounds: int) -> Iterator[Race]:
    """Measure bulk through what only copies, what reads messages, and vdproxy."""
    pasting_much = partial(pasting, size=MIB)
    file = {**_CONTESTANTS, "headers": relays.twisted("--headers")}
    for work, opened, contestants in (
        ("paste of 1 MiB, layers", pasting_much, _CONTESTANTS),
        ("file push, layers", pushing, file),
    ):
        yield race(work, opened, rounds, contestants, against=["bytes"])
