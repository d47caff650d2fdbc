"""Where clients come in: one line of ``clients``."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IProtocol,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from zope.interface import implementer

from vdproxy.hub.hub import Hub
from vdproxy.net.gate import Gate
from vdproxy.net.listener import Listener
from vdproxy.service.settings import ClientsLine


class Entrance:
    """Listens for the clients of one line, and knows which came by it."""

    def __init__(
        self,
        hub: Hub,
        line: ClientsLine,
        endpoint: IStreamServerEndpoint,
        gate: Gate | None,
    ) -> None:
        self._hub = hub
        self._factory = _ClientFactory(line.frontend.make().factory(hub, line.name))
        self._listener = Listener(
            endpoint,
            self._factory,
            hub,
            text=line.endpoint,
            purpose=f"{line.frontend.name} clients",
            gate=gate,
        )

    @property
    def failed(self) -> bool:
        """Whether it could not be listened on when that was last tried."""
        return self._listener.failed

    def start(self) -> None:
        """Let clients in."""
        self._listener.start()

    def close(self) -> Deferred[None]:
        """Let no more clients in."""
        return self._listener.stop()

    def stop(self) -> Deferred[None]:
        """Let no more clients in, and go of those that are."""
        closed = self.close()
        self._hub.let_go([protocol.transport for protocol in self._factory.made])
        return closed


@implementer(IProtocolFactory)
class _ClientFactory:
    """A factory of which the protocols that are in use are known, as ``made``."""

    def __init__(self, factory: IProtocolFactory) -> None:
        self._factory = factory
        self.made: WeakSet[Any] = WeakSet()

    def buildProtocol(self, addr: IAddress | None) -> IProtocol | None:
        protocol: IProtocol | None = self._factory.buildProtocol(addr)  # type: ignore[arg-type]  # a socket pair has none
        if protocol is not None:
            self.made.add(protocol)
        return protocol

    def doStart(self) -> None:  # noqa: N802 - Twisted's name
        self._factory.doStart()

    def doStop(self) -> None:  # noqa: N802 - Twisted's name
        self._factory.doStop()
