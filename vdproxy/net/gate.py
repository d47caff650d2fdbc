"""Who is let in while file descriptors run short."""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
)
from twisted.internet.protocol import Protocol
from twisted.logger import Logger
from zope.interface import implementer

_log = Logger(namespace="vdproxy")

#: File descriptors that clients leave for guests, QMP, control and log files.
_RESERVE = 16

#: Descriptors besides that which must be free before clients are let in again.
_SLACK = 4

#: Seconds between two looks whether there are.
_LOOK = 1.0


class Gate:
    """
    Shuts the ports for clients of one process while descriptors run short.

    Clients that connect meanwhile wait in the kernel's queue; those that had been
    accepted together with the last one are turned away. Without that a process at its
    limit would take each of them in and close it again, for ever.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._ports: set[Any] = set()
        self._call: IDelayedCall | None = None

    @property
    def shut(self) -> bool:
        """Whether nobody is let in."""
        return self._call is not None

    def add(self, port: Any) -> None:  # noqa: ANN401 - Twisted's can do more than told
        """Take care of a port."""
        self._ports.add(port)
        if self.shut:
            port.stopReading()

    def remove(self, port: Any) -> None:  # noqa: ANN401 - see add
        """Take no more care of a port."""
        self._ports.discard(port)
        if self._call is not None and not self._ports:
            self._call.cancel()
            self._call = None

    def lets_in(self) -> bool:
        """Tell whether one that has connected may stay."""
        if self.shut:
            # It was accepted with the one before, which was to be the last.
            return False
        if not _spare(_RESERVE):
            _log.warn("file descriptors run short: clients have to wait")
            for port in self._ports:
                port.stopReading()
            self._call = self._clock.callLater(_LOOK, self._look)
        return True

    def _look(self) -> None:
        if not _spare(_RESERVE + _SLACK):
            self._call = self._clock.callLater(_LOOK, self._look)
            return
        self._call = None
        _log.info("there are file descriptors again: clients are let in")
        for port in self._ports:
            port.startReading()


def _spare(count: int) -> bool:
    """Tell whether so many descriptors more can be had."""
    had: list[int] = []
    try:
        while len(had) < count:
            had.append(os.eventfd(0))
    except OSError:
        return False
    finally:
        for descriptor in had:
            os.close(descriptor)
    return True


class _TurnedAway(Protocol):
    """Ends a connection at once."""

    def connectionMade(self) -> None:
        self.transport.abortConnection()  # type: ignore[union-attr]  # it is there now


@implementer(IProtocolFactory)
class GatedFactory:
    """A factory whose connections pass a gate."""

    def __init__(self, factory: IProtocolFactory, gate: Gate) -> None:
        self._factory = factory
        self._gate = gate

    def doStart(self) -> None:  # noqa: N802 - Twisted's name
        self._factory.doStart()

    def doStop(self) -> None:  # noqa: N802 - Twisted's name
        self._factory.doStop()

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        if not self._gate.lets_in():
            return _TurnedAway()
        protocol: IProtocol | None = self._factory.buildProtocol(addr)
        return protocol
