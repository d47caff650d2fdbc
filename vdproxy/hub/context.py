"""What peers are given, and whom they report to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from twisted.internet.interfaces import IReactorTime

from vdproxy.hub.budget import Share
from vdproxy.hub.line import Sending
from vdproxy.hub.log import VMLog
from vdproxy.hub.trace import Trace
from vdproxy.hub.transport import Departures
from vdproxy.hub.verdicts import Direction, Dropped, Outcome
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import Message

if TYPE_CHECKING:
    from vdproxy.hub.peer import Peer


class Judge(Protocol):
    """
    What peers ask of their VM's filters.

    ``account`` is the drop on whose account messages are sent for now, if any.
    """

    account: Dropped | None

    @property
    def idle(self) -> bool:
        """Whether there are no filters at all."""

    def on_account_of(
        self, dropped: Dropped | None
    ) -> AbstractContextManager[None]: ...
    def judge(self, direction: Direction, peer: Peer, message: Message) -> Outcome: ...


class PeerOwner(Protocol):
    """Whom a peer reports to: its hub."""

    def dispatch(self, peer: Peer, message: Message) -> None: ...
    def judged(
        self, peer: Peer, message: Message, outcome: Message | Dropped
    ) -> None: ...
    def settled(
        self, peer: Peer, sending: Sending, dropped: Dropped | None
    ) -> None: ...
    def refuse(self, peer: Peer, number: int, payload: bytes, reason: str) -> None: ...
    def later(self, call: Callable[[], None]) -> None: ...


@dataclass(frozen=True)
class VMContext:
    """
    What all peers of one VM share.

    ``trace`` is None where nothing is traced.
    """

    clock: IReactorTime
    log: VMLog
    trace: Trace | None
    codec: Codec
    filters: Judge
    share: Share
    departures: Departures
