"""What filters say of a message, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from twisted.internet.defer import Deferred

from vdproxy.wire.messages import Message


@dataclass(frozen=True)
class Drop:
    """
    The message goes no further.

    *reason* is one line for operators and for whoever waits for an answer; it must
    not quote what the message carries.
    """

    reason: str


@dataclass(frozen=True)
class Replace:
    """
    Another message of the same type goes on in its place, about the same selection
    or file transfer where it is about one.

    Of an ANNOUNCE_CAPABILITIES bits may be cleared and FILE_XFER_DISABLED set.
    """

    message: Message


#: None lets the message pass.
Verdict = Drop | Replace | None

#: What a filter's method returns.
Answer = Verdict | Deferred[Verdict] | Coroutine[Any, Any, Verdict]

#: ``in`` comes from a peer, ``out`` goes to it.
Direction = Literal["in", "out"]


class Dropped(NamedTuple):
    """That a message goes no further, by which filter's word (empty: vdproxy's)."""

    filter: str
    reason: str


class Pending:
    """
    That a message waits for the verdict of ``filter``.

    Whoever wants to know of it says so with ``then``.
    """

    def __init__(self) -> None:
        self.filter = ""
        self._act: Callable[[Message | Dropped], None] | None = None

    def then(self, act: Callable[[Message | Dropped], None]) -> None:
        """Call back with what comes of the message, once."""
        self._act = act

    def abandon(self) -> None:
        """Call nobody: what comes of the message is of no interest any more."""
        self._act = None

    def withhold(self, reason: str) -> None:
        """Have the message dropped, whatever the filter may say yet."""
        self.end(Dropped(self.filter, reason))

    def end(self, outcome: Message | Dropped) -> None:
        """Tell whoever wants to know what has come of the message."""
        act, self._act = self._act, None
        if act is not None:
            act(outcome)


#: What comes of a message, as far as can be told at once.
Outcome = Message | Dropped | Pending
