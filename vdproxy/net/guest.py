"""The connection to a guest's port: waited for, or made and made again."""

from __future__ import annotations

from functools import partial

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from vdproxy.hub.hub import Hub
from vdproxy.hub.transport import Transport
from vdproxy.net.connector import Connector
from vdproxy.net.taken import untaken, when_taken

_STOPPED = "vdproxy lets go of it"


class GuestProtocol(Protocol):
    """One connection to the guest's port."""

    transport: Transport  # type: ignore[assignment]  # there from connectionMade on

    def __init__(self, port: GuestPort) -> None:
        self._port = port
        #: Fires when the connection has ended.
        self.ended: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        self._port.opened(self)

    def dataReceived(self, data: bytes) -> None:
        self._port.received(self, data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._port.closed(self, reason.getErrorMessage())
        self.ended.callback(None)


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
        transport = protocol.transport
        self._hub.guest.connected(transport, partial(untaken, transport))

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

    def stop(self) -> Deferred[None]:
        """
        End the present connection for good, as soon as the guest has taken what is
        on its way: the next host would begin in the middle of it.
        """
        guest, current = self._hub.guest, self._current
        if current is None:
            return succeed(None)
        # What no agent reads stays in the socket whole, for the next one.
        taken = succeed(True)
        if guest.up or guest.queued:
            guest.leave(_STOPPED)
            taken = when_taken(current.transport, lambda: guest.queued, self._hub.clock)
        return taken.addCallback(self._taken).addCallback(lambda _: current.ended)

    def _taken(self, taken: bool) -> None:
        if not taken:
            self._hub.log.warn("the guest has not taken all that was sent to it")
        self.close(_STOPPED)

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
        self._connector = Connector(
            endpoint, self, hub, text=text, purpose="the guest's port"
        )

    def start(self) -> None:
        """Connect."""
        self._connector.start()

    def stop(self) -> Deferred[None]:
        """Disconnect, as every port does, and stay so."""
        self._connector.stop()
        return super().stop()

    def received(self, protocol: GuestProtocol, data: bytes) -> None:
        """Take bytes that came over *protocol*."""
        self._connector.worked()
        super().received(protocol, data)

    def closed(self, protocol: GuestProtocol, reason: str) -> None:
        """Take note that *protocol* has lost its connection, and come back."""
        if protocol is self._current:
            super().closed(protocol, reason)
            self._connector.lost()
