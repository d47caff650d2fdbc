"""A client endpoint that is connected to, again and again."""

from __future__ import annotations

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.python.failure import Failure

from vdproxy.hub.hub import Hub
from vdproxy.net.backoff import Backoff


class Connector:
    """
    Connects *factory* to an endpoint for a hub, trying again while it cannot.

    ``text`` is the endpoint's string and ``purpose`` what is there, both for the
    log. A connection counts as a failed try until ``worked`` is called; that it has
    ended is told with ``lost``.
    """

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        factory: IProtocolFactory,
        hub: Hub,
        *,
        text: str,
        purpose: str,
    ) -> None:
        self._endpoint = endpoint
        self._factory = factory
        self._clock = hub.clock
        self._log = hub.log
        self._text = text
        self._purpose = purpose
        self._backoff = Backoff(hub.clock)
        self._retry: IDelayedCall | None = None
        self._connecting: Deferred[IProtocol] | None = None
        self._stopped = False
        self._reported = ""

    def start(self) -> None:
        """Connect."""
        self._retry = None
        connecting: Deferred[IProtocol] = maybeDeferred(
            lambda: self._endpoint.connect(self._factory)
        )
        self._connecting = connecting
        connecting.addCallbacks(self._connected, self._not_connected)

    def stop(self) -> None:
        """Connect no more; a connection that there is stays."""
        self._stopped = True
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._connecting is not None:
            self._connecting.cancel()

    def worked(self) -> None:
        """Take note that the connection is of use."""
        self._backoff.reset()

    def lost(self) -> None:
        """Take note that the connection has ended, and come back."""
        if not self._stopped:
            delay = self._backoff.delay()
            self._retry = self._clock.callLater(delay, self.start)

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
            self._log.warn(
                "cannot connect to {purpose} {endpoint}: {reason}; trying again",
                purpose=self._purpose,
                endpoint=self._text,
                reason=reason,
            )
        self.lost()
