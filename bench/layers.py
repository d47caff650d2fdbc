"""Where the time of bulk goes: bytes alone, messages, and all of vdproxy."""

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
    for work, opened in (
        ("paste of 1 MiB, layers", partial(pasting, size=MIB)),
        ("file push, layers", pushing),
    ):
        yield race(work, opened, rounds, _CONTESTANTS, against=["bytes"])
