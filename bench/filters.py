"""What filters and the trace add to bulk and to small messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from bench import relays
from bench.bulk import MIB, pasting, pushing
from bench.race import Goal, Race
from bench.relays import Starter
from bench.small import pointing
from bench.stand import race

_CONTESTANTS: Mapping[str, Starter] = {
    "none": relays.vdproxy(),
    "policy": relays.vdproxy("filters = policy"),
    "policy, audit": relays.vdproxy("filters = policy audit"),
    "trace": relays.vdproxy("", "--trace"),
}


def run(rounds: int) -> Iterator[Race]:
    """Measure bulk both ways and small messages with filters, and with a trace."""
    bulk = [Goal("MB/s", "policy", of="none", at_least=0.95)]
    for work, opened, goals in (
        ("paste of 1 MiB, filters", partial(pasting, size=MIB), bulk),
        ("file push, filters", pushing, bulk),
        ("mouse, filters", pointing, []),
    ):
        yield race(work, opened, rounds, _CONTESTANTS, against=["none"], goals=goals)
