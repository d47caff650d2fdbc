"""Calls into plugins, which may raise anything and harm nobody but themselves."""

from __future__ import annotations

import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from time import perf_counter
from typing import Any, Generic, TypeVar, TypeVarTuple

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from vdproxy.errors import RemoteProtocolError, VdproxyError
from vdproxy.hub.log import VMLog
from vdproxy.wire.capabilities import Layout
from vdproxy.wire.messages import Message

_Ts = TypeVarTuple("_Ts")
_T = TypeVar("_T")
_P = TypeVar("_P")
_M = TypeVar("_M", bound="Mount[Any]")

#: Failures of one method in a row after which a plugin is relied upon no more.
MAX_FAILURES = 5

#: Seconds of real time after which a call is worth a line in the log: nothing else
#: happens in the process meanwhile.
_SLOW = 0.05

#: Calls of a plugin's clock that may wait before those are sought that were cancelled.
_MANY_CALLS = 32


@dataclass(frozen=True)
class Installed(Generic[_P]):
    """
    A plugin as one VM's configuration names it, with its options.

    ``special`` are those for clients, by their frontend and name, where they
    differ. A filter that is ``closed`` lets nothing pass that it fails on.
    """

    name: str
    plugin: _P
    options: object
    special: Mapping[tuple[str, str], object] = field(default_factory=dict)
    closed: bool = False


@dataclass(frozen=True)
class Failed:
    """The outcome of a call that raised *error*."""

    error: BaseException


def attempt(call: Callable[[*_Ts], _T], *args: *_Ts) -> _T | Failed:
    """Call into a plugin and return its answer, or Failed with what it raised."""
    try:
        return call(*args)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
        return Failed(error)


class PluginFault(VdproxyError):
    """A plugin broke its contract; the text is vdproxy's own and may be logged."""


class Turn:
    """
    The calls into the plugins of one VM, which may lead to one another.

    What follows from one waits until the outermost has ended, so that a plugin's
    methods are called one at a time.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._later: deque[Callable[[], None]] = deque()

    def take(
        self,
        call: Callable[[*_Ts], _T],
        *args: *_Ts,
        slow: Callable[..., None] | None = None,
    ) -> _T | Failed:
        """
        Call into a plugin and return its answer, or Failed with what it raised.

        *slow* is called with the seconds, and with *args*, if it took many.
        """
        self._depth += 1
        began = perf_counter()
        try:
            outcome = attempt(call, *args)
        finally:
            self._depth -= 1
        took = perf_counter() - began
        if took > _SLOW and slow is not None:
            slow(took, *args)
        if self._later:
            self._do_what_waits()
        return outcome

    def later(self, call: Callable[[], None]) -> None:
        """Call back when no plugin is at work."""
        self._later.append(call)
        self._do_what_waits()

    def _do_what_waits(self) -> None:
        while self._later and not self._depth:
            self._later.popleft()()


class Mount(Generic[_P]):
    """
    One plugin in its place; *kind* is the word for what it is.

    A failure is logged with what was called and where it broke, never with the
    exception's own words: they may hold what a message carries.
    """

    def __init__(
        self,
        kind: str,
        installed: Installed[_P],
        log: VMLog,
        clock: IReactorTime,
        turn: Turn,
        called_later: Callable[[Mount[_P]], None],
    ) -> None:
        self.name = installed.name
        self.plugin = installed.plugin
        self.options = installed.options
        self.special = installed.special
        self.clock = PluginClock(clock, self)
        #: Called after each call that the plugin's clock has made.
        self.called_later = called_later
        #: Called with the seconds that a call took, if many, and its arguments.
        self.slow: Callable[..., None] | None = None
        #: Called when the plugin has been stopped.
        self.ended: Callable[[], None] = _nothing
        self._kind = kind
        self._log = log
        self._turn = turn
        self._failures: Counter[str] = Counter()

    @property
    def keeps_failing(self) -> bool:
        """Whether one of its methods has failed five times in a row."""
        return any(count >= MAX_FAILURES for count in self._failures.values())

    def end(self) -> None:
        """Take note that the plugin has been stopped: nothing of it is left."""
        self.clock.cancel_all()
        self.ended()

    def call(self, method: Callable[[*_Ts], object], *args: *_Ts) -> bool:
        """Call a method that answers nothing; tell whether it went well."""
        answer = self._turn.take(method, *args, slow=self.slow)
        if answer is not None and not isinstance(answer, Failed):
            fault = f"a {type(answer).__name__} is its answer, not None"
            answer = Failed(PluginFault(fault))
        self._count(method, answer)
        return answer is None

    def ask(self, method: Callable[[*_Ts], _T], default: _T, *args: *_Ts) -> _T:
        """Call a method and return its answer, *default* where it failed."""
        answer = self._turn.take(method, *args, slow=self.slow)
        self._count(method, answer)
        return default if isinstance(answer, Failed) else answer

    def succeeded(self, method: str) -> None:
        """Count a call that went well."""
        if self._failures:
            del self._failures[method]

    def failed(self, method: str, error: BaseException, occasion: str = "") -> None:
        """Count and log a call that went wrong, on what *occasion* if that matters."""
        self._failures[method] += 1
        self._log.warn(
            f"{self._kind} {{{self._kind}}} failed{{occasion}}: {{error}}",
            **{self._kind: self.name},
            occasion=occasion,
            error=_describe(error),
        )

    def _count(self, method: Callable[..., object], answer: object) -> None:
        """Count how a call has gone."""
        name = getattr(method, "__name__", type(method).__name__)
        if isinstance(answer, Failed):
            self.failed(name, answer.error)
        else:
            self.succeeded(name)


@implementer(IReactorTime)
class PluginClock:
    """
    The VM's clock as one plugin has it.

    What it calls later is called as the plugin's methods are, and not at all
    once the plugin has been stopped.
    """

    def __init__(self, clock: IReactorTime, mount: Mount[Any]) -> None:
        self._clock = clock
        self._mount = mount
        self._calls: dict[IDelayedCall, None] = {}
        self._prune_at = _MANY_CALLS

    def seconds(self) -> float:
        return self._clock.seconds()

    def callLater(
        self,
        delay: float,
        callable: Callable[..., object],
        *args: object,
        **kwargs: object,
    ) -> IDelayedCall:
        @wraps(callable)
        def called() -> object:
            return callable(*args, **kwargs)

        def run() -> None:
            self._calls.pop(call, None)
            self._mount.ask(called, None)
            self._mount.called_later(self._mount)

        call: IDelayedCall = self._clock.callLater(delay, run)
        self._calls[call] = None
        if len(self._calls) > self._prune_at:
            # Of a call that is cancelled nothing is heard.
            self._calls = dict.fromkeys(self.getDelayedCalls())
            self._prune_at = max(_MANY_CALLS, 2 * len(self._calls))
        return call

    def getDelayedCalls(self) -> list[IDelayedCall]:
        return [call for call in self._calls if call.active()]

    def cancel_all(self) -> None:
        """Call nothing more of what was to be called later."""
        for call in self.getDelayedCalls():
            call.cancel()
        self._calls.clear()


def isolated(message_class: type[Message]) -> type[Message]:
    """
    Return a class that reads as *message_class* does, and fails as ours do.

    A handler's class may raise anything on a payload; its words stay unsaid.
    """
    in_parts = _reads_parts(message_class)

    def read(payload: bytes, data: bytes, layout: Layout) -> Message:
        if in_parts:
            return message_class.decode_parts(payload, data, layout)
        return message_class.decode(payload + data, layout)

    class Isolated(message_class):  # type: ignore[misc,valid-type]  # made anew for each
        @classmethod
        def decode_parts(cls, payload: bytes, data: bytes, layout: Layout) -> Any:  # noqa: ANN401 - its own class
            outcome: object = attempt(read, payload, data, layout)
            if isinstance(outcome, Message):
                return outcome
            error = outcome.error if isinstance(outcome, Failed) else TypeError()
            if isinstance(error, RemoteProtocolError):
                raise error
            raise RemoteProtocolError(
                f"{len(payload) + len(data)} bytes are no {message_class.__name__}: "
                f"{type(error).__name__}"
            )

    return Isolated


def _reads_parts(message_class: type[Message]) -> bool:
    """Tell whether a class's own way to read is the one with two parts."""
    ways = {"decode", "decode_parts"}
    nearest = next(each for each in message_class.__mro__ if ways & vars(each).keys())
    return "decode_parts" in vars(nearest)


def _describe(error: BaseException) -> str:
    if isinstance(error, PluginFault):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)[-1:]
    where = [f" in {f.name}, {f.filename}:{f.lineno}" for f in frames]
    return "".join([type(error).__name__, *where])


def mounted(
    installed: Sequence[Installed[_P]],
    present: Iterable[_M],
    mount: Callable[[Installed[_P]], _M],
) -> tuple[list[_M], list[_M]]:
    """Return where these plugins are, in their order, and which of that is new."""
    there = {id(one.plugin): one for one in present}
    mounts = [there.get(id(p.plugin)) or mount(p) for p in installed]
    return mounts, [one for one in mounts if id(one.plugin) not in there]


def _nothing() -> None:
    """Do nothing."""
