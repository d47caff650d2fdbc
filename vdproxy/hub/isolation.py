"""Calls into handlers, which may raise anything and harm nobody but themselves."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, TypeVarTuple

from vdproxy.hub.handler import Handler
from vdproxy.hub.log import VMLog
from vdproxy.hub.peer import Peer
from vdproxy.wire.messages import Message

_Ts = TypeVarTuple("_Ts")
_T = TypeVar("_T")

#: Failures in a row after which a handler's feature is withdrawn.
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
    One handler in its place: ``failures`` counts those since its last success.

    A failure is logged with what was called and where it broke, never with the
    exception's own words: they may hold what a message carries.
    """

    def __init__(self, installed: Installed, log: VMLog) -> None:
        self.name = installed.name
        self.handler = installed.handler
        self.options = installed.options
        self.failures = 0
        self._log = log

    def call(self, method: Callable[[*_Ts], object], *args: *_Ts) -> bool:
        """Call a method that answers nothing; tell whether it went well."""
        return self.ask(lambda: _answers_nothing(method(*args)), False)

    def excuse(self, peer: Peer, message: Message) -> None:
        """
        Have a message answered that the handler has just failed on.

        That it can do so does not make up for the failure.
        """
        failures = self.failures
        reason = f"handler {self.name} failed"
        self.call(self.handler.dropped, peer, message, reason)
        self.failures = max(self.failures, failures)

    def ask(self, method: Callable[[*_Ts], _T], default: _T, *args: *_Ts) -> _T:
        """Call a method and return its answer, *default* where it failed."""
        outcome = attempt(lambda: method(*args))
        if isinstance(outcome, Failed):
            self.failures += 1
            self._log.warn(
                "handler {handler} failed: {error}",
                handler=self.name,
                error=_describe(outcome.error),
            )
            return default
        self.failures = 0
        return outcome


def _answers_nothing(answer: object) -> bool:
    if answer is not None:
        raise TypeError("the answer of this method must be None")
    return True


def _describe(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.name}, {frame.filename}:{frame.lineno}"
