"""Calls into handlers, which may raise anything and harm nobody but themselves."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, TypeVarTuple

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from vdproxy.errors import RemoteProtocolError
from vdproxy.hub.handler import Handler
from vdproxy.hub.log import VMLog
from vdproxy.wire.capabilities import Layout
from vdproxy.wire.messages import Message

_Ts = TypeVarTuple("_Ts")
_T = TypeVar("_T")

#: Failures of one method in a row after which a handler's feature is withdrawn.
MAX_FAILURES = 5


@dataclass(frozen=True)
class Installed:
    """A handler as one VM's configuration names it, with its options."""

    name: str
    handler: Handler
    options: object


@dataclass(frozen=True)
class Failed:
    """The outcome of a call that raised *error*."""

    error: Exception


def attempt(call: Callable[[], _T]) -> _T | Failed:
    """Call into a plugin and return its answer, or Failed with what it raised."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        return Failed(error)


class Mount:
    """
    One handler in its place.

    A failure is logged with what was called and where it broke, never with the
    exception's own words: they may hold what a message carries.
    """

    def __init__(
        self,
        installed: Installed,
        log: VMLog,
        clock: IReactorTime,
        called_later: Callable[[Mount], None],
    ) -> None:
        self.name = installed.name
        self.handler = installed.handler
        self.options = installed.options
        self.clock = HandlersClock(clock, self)
        #: Called after each call that the handler's clock has made.
        self.called_later = called_later
        self._log = log
        self._failures: Counter[str] = Counter()

    @property
    def keeps_failing(self) -> bool:
        """Whether one of its methods has failed five times in a row."""
        return any(count >= MAX_FAILURES for count in self._failures.values())

    def call(self, method: Callable[[*_Ts], object], *args: *_Ts) -> bool:
        """Call a method that answers nothing; tell whether it went well."""
        return self._attempt(lambda: _answers_nothing(method(*args)), method, False)

    def ask(self, method: Callable[[*_Ts], _T], default: _T, *args: *_Ts) -> _T:
        """Call a method and return its answer, *default* where it failed."""
        return self._attempt(lambda: method(*args), method, default)

    def _attempt(
        self, call: Callable[[], _T], method: Callable[..., object], default: _T
    ) -> _T:
        name = getattr(method, "__name__", type(method).__name__)
        outcome = attempt(call)
        if isinstance(outcome, Failed):
            self._failures[name] += 1
            self._log.warn(
                "handler {handler} failed: {error}",
                handler=self.name,
                error=_describe(outcome.error),
            )
            return default
        if self._failures:
            del self._failures[name]
        return outcome


@implementer(IReactorTime)
class HandlersClock:
    """
    The VM's clock as one handler has it.

    What it calls later is called as the handler's methods are, and not at all
    once the handler has been stopped.
    """

    def __init__(self, clock: IReactorTime, mount: Mount) -> None:
        self._clock = clock
        self._mount = mount
        self._calls: set[IDelayedCall] = set()

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
            self._calls.discard(call)
            self._mount.ask(called, None)
            self._mount.called_later(self._mount)

        call: IDelayedCall = self._clock.callLater(delay, run)
        self._calls = {c for c in self._calls if c.active()} | {call}
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

    class Isolated(message_class):  # type: ignore[misc,valid-type]  # made anew for each
        @classmethod
        def decode(cls, payload: bytes, layout: Layout) -> Any:  # noqa: ANN401 - its own class
            outcome: object = attempt(lambda: message_class.decode(payload, layout))
            if isinstance(outcome, Message):
                return outcome
            error = outcome.error if isinstance(outcome, Failed) else TypeError()
            if isinstance(error, RemoteProtocolError):
                raise error
            raise RemoteProtocolError(
                f"{len(payload)} bytes are no {message_class.__name__}: "
                f"{type(error).__name__}"
            )

    return Isolated


def _answers_nothing(answer: object) -> bool:
    if answer is not None:
        raise TypeError("the answer of this method must be None")
    return True


def _describe(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.name}, {frame.filename}:{frame.lineno}"
