"""One virtual machine as one of its plugins sees it."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.interfaces import IReactorTime

from vdproxy.hub.client import Client
from vdproxy.hub.guest import Guest
from vdproxy.hub.log import VMLog
from vdproxy.hub.peer import Peer
from vdproxy.wire.capabilities import Capabilities


class VM(Protocol):
    """What a handler or a filter is given when it starts."""

    @property
    def name(self) -> str:
        """The VM's name in the configuration."""

    @property
    def clock(self) -> IReactorTime:
        """The clock to tell the time by and to schedule calls with."""

    @property
    def log(self) -> VMLog:
        """The VM's log."""

    @property
    def options(self) -> Any:  # noqa: ANN401 - the plugin's own class
        """The plugin's own options for this VM."""

    def options_for(self, peer: Peer) -> Any:  # noqa: ANN401 - the plugin's own class
        """
        Return the plugin's own options for *peer*.

        For a client those of its frontend's and its name's sections win.
        """

    @property
    def max_message(self) -> int:
        """The most data that one message may have, bytes."""

    def keeps(self, more: int) -> None:
        """
        Take note that the plugin keeps so many bytes more, or fewer, in its caches.

        They count in the process' ``max-memory``.
        """

    @property
    def guest(self) -> Guest:
        """The guest's agent."""

    @property
    def clients(self) -> tuple[Client, ...]:
        """The clients that are ready."""

    @property
    def relayed(self) -> Capabilities:
        """What the enabled handlers relay between the agent and clients."""

    @property
    def provided(self) -> Capabilities:
        """What the enabled handlers make true by themselves."""

    def owns(self, number: int) -> bool:
        """Tell whether an enabled handler owns the message type *number*."""

    def count(self, event: str) -> None:
        """Count something that an operator may want to know the number of."""

    def offers_changed(self) -> None:
        """Have each client told what it is offered now, if that has changed."""
