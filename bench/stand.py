"""Contestants that stand ready, each with a guest of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from bench import relays
from bench.race import Figures, Goal, Race
from bench.relays import Relay, Starter
from tests.peers.programs import helper

#: One round of a contestant that stands ready.
Round = Callable[[], Figures]

#: What vdproxy is held to: no relay, one of C, and Twisted's with blocks as large as
#: by itself and as vdproxy's.
CONTESTANTS: Mapping[str, Starter] = {
    "direct": relays.direct,
    "socat": relays.socat,
    "bare": relays.twisted(),
    "wide": relays.twisted("--wide"),
    "vdproxy": relays.vdproxy(),
}


#: Which of them the others are compared to.
AGAINST = ("socat", "bare", "wide")

_C = TypeVar("_C")


@contextmanager
def directory() -> Iterator[Path]:
    """Make a directory for sockets, whose paths may not be long."""
    with TemporaryDirectory(prefix="bench-") as path:
        yield Path(path)


@contextmanager
def standing(
    starter: Starter, guest: Callable[..., None], *arguments: object
) -> Iterator[Relay]:
    """Run a guest, and a relay in front of it."""
    with directory() as folder, ExitStack() as stack:
        stack.enter_context(helper(guest, folder / relays.GUEST, *arguments)).recv()
        yield stack.enter_context(starter(folder))


def race(
    work: str,
    opened: Callable[[_C], AbstractContextManager[Round]],
    rounds: int,
    contestants: Mapping[str, _C],
    *,
    against: Sequence[str] = AGAINST,
    goals: Sequence[Goal] = (),
) -> Race:
    """Have all contestants, once they are *opened*, do their work by turns."""
    outcome = Race(work, against, goals)
    with ExitStack() as stack:
        ready = {n: stack.enter_context(opened(s)) for n, s in contestants.items()}
        outcome.run(ready, rounds)
    return outcome
