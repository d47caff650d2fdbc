"""One filter in its place: what it answers, when, and how long it is relied upon."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from time import perf_counter
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from vdproxy.hub.filter import Filter
from vdproxy.hub.isolation import (
    MAX_FAILURES,
    Failed,
    Installed,
    Mount,
    PluginFault,
    Turn,
    attempt,
)
from vdproxy.hub.log import VMLog
from vdproxy.hub.peer import Peer
from vdproxy.hub.verdicts import Answer, Direction, Drop, Replace, Verdict
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.constants import Capability, message_name
from vdproxy.wire.messages import AnnounceCapabilities, Message

#: Seconds that a filter has to answer, by the VM's clock.
_PATIENCE = 5.0

#: Seconds of real time after which a call is worth a line in the log: nothing else
#: happens in the process meanwhile.
_SLOW = 0.05

#: Characters of a reason: it is one line in a log.
_MAX_REASON = 200

#: What a filter may add to an announcement, since it takes something away.
_FILES_DISABLED = Capabilities.of(Capability.VD_AGENT_CAP_FILE_XFER_DISABLED)


class Promise:
    """
    What a filter says of a message, once it is ``over``.

    ``settle`` makes a verdict of what the Deferred *answer* fires with, or of a
    PluginFault when it has not in time. What comes later is swallowed.
    """

    def __init__(
        self,
        answer: Deferred[Any],
        settle: Callable[[object], Verdict],
        clock: IReactorTime,
    ) -> None:
        self.over = False
        self.verdict: Verdict = None
        self._answer = answer
        self._settle = settle
        self._act: Callable[[Verdict], None] | None = None
        self._timer: IDelayedCall | None = None
        answer.addBoth(self._fired)
        if not self.over:
            self._timer = clock.callLater(_PATIENCE, self._too_late)

    def then(self, act: Callable[[Verdict], None]) -> None:
        """Call back with the verdict, which is still to come."""
        self._act = act

    def forget(self) -> None:
        """Wait no more, and call nobody back."""
        self.over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        attempt(self._answer.cancel)

    def _fired(self, result: object) -> None:
        if self.over:
            return
        self.over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.verdict = self._settle(result)
        if self._act is not None:
            self._act(self.verdict)

    def _too_late(self) -> None:
        self._timer = None
        self._fired(Failed(PluginFault(f"no answer in {_PATIENCE:g} s")))
        attempt(self._answer.cancel)


class Seat(Mount[Filter]):
    """
    One filter in its place; ``benched`` once it is asked no more.

    One that is *closed* drops what it fails on, and everything once it is benched.
    """

    def __init__(
        self,
        installed: Installed[Filter],
        log: VMLog,
        clock: IReactorTime,
        turn: Turn,
        changed: Callable[[], None],
    ) -> None:
        super().__init__("filter", installed, log, clock, turn, self._called_later)
        self.benched = False
        self._closed = installed.closed
        self._clock = clock
        self._changed = changed
        self._promises: set[Promise] = set()

    def judge(
        self, direction: Direction, peer: Peer, message: Message
    ) -> Verdict | Promise:
        """Return what the filter says of *message*, or its promise to."""
        if self.benched:
            return self._missed
        method = self.plugin.incoming if direction == "in" else self.plugin.outgoing
        began = perf_counter()
        answer = self.take(lambda: _started(method(peer, message)))
        took = perf_counter() - began
        if took > _SLOW:
            self._log.warn(
                "filter {filter} took {milliseconds:.0f} ms for a {message}, "
                "during which all else stood still",
                filter=self.name,
                milliseconds=took * 1000,
                message=message_name(message.number),
            )
        if answer is None:
            self.succeeded(direction)
            return None

        def settle(result: object) -> Verdict:
            return self._settle(result, direction, peer, message)

        if not isinstance(answer, Deferred):
            return settle(answer)
        promise = Promise(answer, settle, self._clock)
        if promise.over:
            return promise.verdict
        self._promises = {p for p in self._promises if not p.over} | {promise}
        return promise

    def bench_if_failing(self) -> None:
        """Ask the filter no more if it keeps failing."""
        if self.keeps_failing and not self.benched:
            self.bench(f"it failed {MAX_FAILURES} times in a row")
            self.call(self.plugin.stop)

    def bench(self, reason: str) -> None:
        """Ask the filter no more, for *reason*."""
        self.benched = True
        self._log.critical(
            "filter {filter} is benched, and {consequence}: {reason}",
            filter=self.name,
            consequence="nothing passes" if self._closed else "all passes without it",
            reason=reason,
        )
        self.clock.cancel_all()
        self._turn.later(self._changed)

    def stop(self) -> None:
        """Stop the filter and wait for no answer of it."""
        for promise in self._promises:
            promise.forget()
        if not self.benched:
            self.call(self.plugin.stop)
        self.clock.cancel_all()

    @property
    def _missed(self) -> Verdict:
        """What comes of a message that the filter has not judged."""
        return Drop("it has failed, and fails closed") if self._closed else None

    def _called_later(self, mount: Mount[Filter]) -> None:
        self.bench_if_failing()

    def _settle(
        self, result: object, direction: Direction, peer: Peer, message: Message
    ) -> Verdict:
        """Return the verdict that the outcome of a call comes to."""
        checked = attempt(lambda: _verdict(result, peer, message))
        if not isinstance(checked, Failed):
            self.succeeded(direction)
            return checked
        way = "of" if direction == "in" else "to"
        occasion = f" on a {message_name(message.number)} {way} {peer.label}"
        self.failed(direction, checked.error, occasion)
        self.bench_if_failing()
        return self._missed


def _started(answer: Answer) -> Any:  # noqa: ANN401 - a plugin may answer anything
    """Return an answer, of which a coroutine has begun to run."""
    return Deferred.fromCoroutine(answer) if isinstance(answer, Coroutine) else answer


def _verdict(result: object, peer: Peer, message: Message) -> Verdict:
    """
    Return what a filter has answered.

    Raises what it has raised, or that its answer is no verdict on *message*.
    """
    match result:
        case None:
            return None
        case Drop(reason=str(reason)):
            line = " ".join(reason.split())[:_MAX_REASON]
            return Drop("".join(c if c.isprintable() else "?" for c in line))
        case Replace(message=replacement):
            _check_replacement(replacement, peer, message)
            return result
        case Failed(error=error):
            raise error
        case Failure(value=Exception() as error):
            raise error
    raise PluginFault(f"its answer is a {type(result).__name__}, which is no verdict")


def _check_replacement(replacement: object, peer: Peer, message: Message) -> None:
    kind = type(message)
    if not isinstance(replacement, kind) or replacement.number != message.number:
        raise PluginFault(
            f"it would replace a {kind.__name__} by a {type(replacement).__name__}"
        )
    if isinstance(replacement, AnnounceCapabilities):
        offered = _FILES_DISABLED
        if isinstance(message, AnnounceCapabilities):
            offered |= message.capabilities
        if replacement.capabilities - offered:
            raise PluginFault("it would add capabilities to an announcement")
    else:
        peer.check(replacement)
