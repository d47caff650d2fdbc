"""One virtual machine as one handler sees it."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IReactorTime

from vdproxy.hub.log import VMLog
from vdproxy.wire.capabilities import Capabilities

if TYPE_CHECKING:
    from vdproxy.hub.client import Client
    from vdproxy.hub.guest import Guest
    from vdproxy.hub.hub import Hub


class VM:
    """What a handler is given when it starts; ``options`` are its own."""

    def __init__(self, hub: Hub, options: Any) -> None:  # noqa: ANN401 - the handler's own class
        self._hub = hub
        self.options = options

    @property
    def name(self) -> str:
        """The VM's name in the configuration."""
        return self._hub.name

    @property
    def clock(self) -> IReactorTime:
        """The clock to tell the time by and to schedule calls with."""
        return self._hub.clock

    @property
    def log(self) -> VMLog:
        """The VM's log."""
        return self._hub.log

    @property
    def guest(self) -> Guest:
        """The guest's agent."""
        return self._hub.guest

    @property
    def clients(self) -> tuple[Client, ...]:
        """The clients that are ready."""
        return tuple(client for client in self._hub.clients if client.introduced)

    @property
    def relayed(self) -> Capabilities:
        """What the enabled handlers relay between the agent and clients."""
        handlers = self._hub.handlers
        return reduce(or_, (h.relayed for h in handlers), Capabilities())

    @property
    def provided(self) -> Capabilities:
        """What the enabled handlers make true by themselves."""
        handlers = self._hub.handlers
        return reduce(or_, (h.provided for h in handlers), Capabilities())

    def owns(self, number: int) -> bool:
        """Tell whether an enabled handler owns the message type *number*."""
        return self._hub.owns(number)

    def offers_changed(self) -> None:
        """Have each client told what it is offered now, if that has changed."""
        self._hub.renegotiate()
