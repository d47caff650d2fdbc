"""One filter in its place: asked about messages for as long as it is relied upon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from vdproxy.hub.answers import Wait, asked, read
from vdproxy.hub.filter import Filter
from vdproxy.hub.isolation import (
    MAX_FAILURES,
    Failed,
    Installed,
    Mount,
    Turn,
    attempt,
)
from vdproxy.hub.log import VMLog
from vdproxy.hub.peer import Peer
from vdproxy.hub.verdicts import Direction, Drop, Verdict
from vdproxy.hub.vm import VM
from vdproxy.wire.constants import message_name
from vdproxy.wire.messages import Message


class Seat(Mount[Filter]):
    """
    One filter in its place; ``benched`` once it is asked no more.

    One that is *closed* drops what it fails on, and everything once it is benched.
    One that was *retired* has no say any more.
    """

    def __init__(
        self,
        installed: Installed[Filter],
        log: VMLog,
        clock: IReactorTime,
        turn: Turn,
        counters: Counter[str],
        changed: Callable[[], None],
    ) -> None:
        super().__init__("filter", installed, log, clock, turn, self._called_later)
        self.slow = self._took
        self.benched = False
        self._retired = False
        self._closed = installed.closed
        self._vm_clock = clock
        self._counters = counters
        self._changed = changed
        self._waits: set[Wait] = set()

    def start(self, vm: VM) -> None:
        """Start the filter; one that cannot is benched."""
        if not self.call(self.plugin.start, vm):
            self.bench("it could not start")

    def judge(
        self, direction: Direction, peer: Peer, message: Message
    ) -> Verdict | Wait:
        """Return what the filter says of *message*, or that it takes its time."""
        if self.benched:
            return self._missed
        answer = self._turn.take(
            asked, self.plugin, direction, peer, message, slow=self._judged_slowly
        )
        if answer is None:
            self.succeeded(direction)
            return None
        if isinstance(answer, Deferred):
            occasion = _occasion(direction, peer, message)
            wait = Wait(answer, direction, occasion, self._vm_clock, self._ended)
            if not wait.over:
                self._waits.add(wait)
                return wait
            answer = wait.result
        return self.verdict(answer, direction, peer, message)

    def verdict(
        self, answer: object, direction: Direction, peer: Peer, message: Message
    ) -> Verdict:
        """Return what an answer, or that there is none, comes to; count failures."""
        if self.benched:
            return self._missed
        if not isinstance(answer, Failed):
            # A replacement's class is the filter's affair as well.
            checked = attempt(read, answer, peer, message)
            if not isinstance(checked, Failed):
                self.succeeded(direction)
                return checked
            answer = checked
        self.failed(direction, answer.error, _occasion(direction, peer, message))
        self.bench_if_failing()
        return self._missed

    def failed(self, method: str, error: BaseException, occasion: str = "") -> None:
        self._counters["filter-failures"] += 1
        super().failed(method, error, occasion)

    def bench_if_failing(self) -> None:
        """Ask the filter no more if it keeps failing."""
        if self.keeps_failing and not self.benched:
            self.bench(f"it failed {MAX_FAILURES} times in a row")
            self.call(self.plugin.stop)

    def bench(self, reason: str) -> None:
        """Ask the filter no more, for *reason*."""
        self.benched = True
        self._counters["filters-benched"] += 1
        self._log.critical(
            "filter {filter} is benched, and {consequence}: {reason}",
            filter=self.name,
            consequence="nothing passes" if self._closed else "all passes without it",
            reason=reason,
        )
        self.end()
        for wait in list(self._waits):
            wait.give_up("it is benched")
        self._turn.later(self._changed)

    def stop(self) -> None:
        """Stop the filter, want none of the answers it owes, and ask it no more."""
        for wait in list(self._waits):
            self.forget(wait)
        self.close()

    def close(self) -> None:
        """Stop the filter and ask it no more; what it has not decided waits."""
        if not self.benched:
            self.benched = True
            self.call(self.plugin.stop)
        self.end()

    def retire(self) -> None:
        """Have what a closed filter has not decided go on without it."""
        self._retired = True
        for wait in list(self._waits):
            wait.give_up("it was taken out")

    def forget(self, wait: Wait) -> None:
        """Want an answer no more."""
        if wait in self._waits:
            wait.listener = None
            self._waits.discard(wait)
            wait.give_up("nobody wants it")
            self._cancel(wait)

    @property
    def _missed(self) -> Verdict:
        """What comes of a message that the filter has not judged."""
        if self._closed and not self._retired:
            return Drop("it has failed, and fails closed")
        return None

    def _ended(self, wait: Wait) -> None:
        if wait not in self._waits:
            return
        self._waits.discard(wait)
        if wait.listener is not None:
            self._turn.later(partial(wait.listener, wait.result))
        elif isinstance(wait.result, Failed) and not self.benched:
            # What it was about has been decided; that it fails counts all the same.
            self.failed(wait.method, wait.result.error, wait.occasion)
            self.bench_if_failing()
        self._cancel(wait)

    def _cancel(self, wait: Wait) -> None:
        """Have the filter know that an answer of it is not wanted any more."""
        if all(other.answer is not wait.answer for other in self._waits):
            self._turn.take(wait.answer.cancel)

    def _called_later(self, mount: Mount[Filter]) -> None:
        self.bench_if_failing()

    def _judged_slowly(
        self,
        seconds: float,
        _plugin: Filter,
        direction: Direction,
        peer: Peer,
        message: Message,
    ) -> None:
        self._took(seconds, occasion=_occasion(direction, peer, message))

    def _took(self, seconds: float, *_: object, occasion: str = "") -> None:
        self._log.warn(
            "filter {filter} took {milliseconds:.0f} ms{occasion}, "
            "and everything else stood still",
            filter=self.name,
            milliseconds=seconds * 1000,
            occasion=occasion,
        )


def _occasion(direction: Direction, peer: Peer, message: Message) -> str:
    """Return what a log line says of the message that a filter was asked about."""
    way = "of" if direction == "in" else "to"
    return f" on a {message_name(message.number)} {way} {peer.label}"
