"""The connection to a guest's port: waited for, or made and made again."""

from __future__ import annotations

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IProtocol,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from vdproxy.hub.hub import Hub
from vdproxy.hub.outbox import Transport
from vdproxy.net.backoff import Backoff


class GuestProtocol(Protocol):
    """One connection to the guest's port."""

    transport: Transport  # type: ignore[assignment]  # there from connectionMade on

    def __init__(self, port: GuestPort) -> None:
        self._port = port

    def connectionMade(self) -> None:
        self._port.opened(self)

    def dataReceived(self, data: bytes) -> None:
        self._port.received(self, data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._port.closed(self, reason.getErrorMessage())


class GuestPort(Factory):
    """Joins connections to a hub's guest; the newest takes the others' place."""

    noisy = False

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._current: GuestProtocol | None = None

    def buildProtocol(self, addr: IAddress | None) -> GuestProtocol:
        return GuestProtocol(self)

    def opened(self, protocol: GuestProtocol) -> None:
        """Make *protocol* the guest's connection."""
        self.close("a newer connection took its place")
        self._current = protocol
        self._hub.log.info("connected to the guest's port")
        self._hub.guest.connected(protocol.transport)

    def received(self, protocol: GuestProtocol, data: bytes) -> None:
        """Take bytes that came over *protocol*."""
        if protocol is self._current:
            self._hub.guest.receive_data(data)

    def closed(self, protocol: GuestProtocol, reason: str) -> None:
        """Take note that *protocol* has lost its connection."""
        if protocol is self._current:
            self._end(reason)

    def close(self, reason: str) -> None:
        """End the present connection, if there is one."""
        if self._current is not None:
            transport = self._current.transport
            self._end(reason)
            transport.abortConnection()

    def start(self) -> None:
        """Wait to be connected to."""

    def stop(self) -> None:
        """End the present connection for good."""
        self.close("vdproxy stops")

    def _end(self, reason: str) -> None:
        self._current = None
        self._hub.log.info(
            "the connection to the guest's port has ended: {reason}", reason=reason
        )
        self._hub.guest.disconnected(reason)


class GuestConnector(GuestPort):
    """
    Connects to an endpoint, and again whenever the connection ends.

    ``text`` is the endpoint's string, for the log. A connection over which
    nothing came counts as a failed try.
    """

    def __init__(self, hub: Hub, endpoint: IStreamClientEndpoint, text: str) -> None:
        super().__init__(hub)
        self._endpoint = endpoint
        self._text = text
        self._backoff = Backoff()
        self._retry: IDelayedCall | None = None
        self._connecting: Deferred[IProtocol] | None = None
        self._stopped = False
        self._reported = ""

    def start(self) -> None:
        """Connect."""
        self._retry = None
        connecting: Deferred[IProtocol] = maybeDeferred(
            lambda: self._endpoint.connect(self)
        )
        self._connecting = connecting
        connecting.addCallbacks(self._connected, self._not_connected)

    def stop(self) -> None:
        """Disconnect and stay so."""
        self._stopped = True
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._connecting is not None:
            self._connecting.cancel()
        super().stop()

    def received(self, protocol: GuestProtocol, data: bytes) -> None:
        """Take bytes that came over *protocol*."""
        self._backoff.reset()
        super().received(protocol, data)

    def closed(self, protocol: GuestProtocol, reason: str) -> None:
        """Take note that *protocol* has lost its connection, and come back."""
        if protocol is self._current:
            super().closed(protocol, reason)
            self._try_later()

    def _connected(self, _: IProtocol) -> None:
        self._connecting = None
        self._reported = ""

    def _not_connected(self, failure: Failure) -> None:
        self._connecting = None
        if self._stopped:
            return
        reason = failure.getErrorMessage()
        if reason != self._reported:
            self._reported = reason
            self._hub.log.warn(
                "cannot connect to the guest's port {endpoint}: {reason}; trying again",
                endpoint=self._text,
                reason=reason,
            )
        self._try_later()

    def _try_later(self) -> None:
        if not self._stopped and self._retry is None:
            delay = self._backoff.delay()
            self._retry = self._hub.clock.callLater(delay, self.start)
