"""A server endpoint that listens as soon as it can."""

from __future__ import annotations

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import (
    IDelayedCall,
    IListeningPort,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from twisted.python.failure import Failure

from vdproxy.hub.hub import Hub
from vdproxy.net.backoff import Backoff
from vdproxy.net.gate import Gate, GatedFactory


class Listener:
    """
    Serves *factory* on an endpoint for a hub, trying again while it cannot.

    ``text`` is the endpoint's string and ``purpose`` who is listened for, both
    for the log. Those who may have to wait when file descriptors run short pass a
    ``gate``. ``failed`` tells whether the last try was in vain.
    """

    def __init__(
        self,
        endpoint: IStreamServerEndpoint,
        factory: IProtocolFactory,
        hub: Hub,
        *,
        text: str,
        purpose: str,
        gate: Gate | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._factory = GatedFactory(factory, gate) if gate else factory
        self._gate = gate
        self._clock = hub.clock
        self._log = hub.log
        self._text = text
        self._purpose = purpose
        self._backoff = Backoff(hub.clock)
        self._retry: IDelayedCall | None = None
        self._port: IListeningPort | None = None
        self._stopped = False
        self.failed = False

    def start(self) -> None:
        """Listen, now or later."""
        self._retry = None
        listening: Deferred[IListeningPort] = maybeDeferred(
            lambda: self._endpoint.listen(self._factory)
        )
        listening.addCallbacks(self._listening, self._not_listening)

    def stop(self) -> Deferred[None]:
        """Stop listening; a Unix socket is removed."""
        self._stopped = True
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._port is None:
            return succeed(None)
        port, self._port = self._port, None
        if self._gate is not None:
            self._gate.remove(port)
        return self._close(port)

    def _listening(self, port: IListeningPort) -> None:
        if self._stopped:
            self._close(port)
            return
        self.failed = False
        self._port = port
        if self._gate is not None:
            self._gate.add(port)
        self._log.info(
            "listening for {purpose} on {endpoint}",
            purpose=self._purpose,
            endpoint=self._text,
        )

    def _not_listening(self, failure: Failure) -> None:
        if not self.failed:
            self._log.warn(
                "cannot listen for {purpose} on {endpoint}: {reason}; trying again",
                purpose=self._purpose,
                endpoint=self._text,
                reason=str(getattr(failure.value, "socketError", failure.value)),
            )
        self.failed = True
        if not self._stopped:
            self._retry = self._clock.callLater(self._backoff.delay(), self.start)

    def _close(self, port: IListeningPort) -> Deferred[None]:
        closed: Deferred[None] = maybeDeferred(port.stopListening)  # type: ignore[call-overload]  # a Deferred or None
        return closed.addErrback(self._not_stopped)

    def _not_stopped(self, failure: Failure) -> None:
        """Take note of a socket that somebody else removed or replaced."""
        self._log.warn(
            "could not clean up {endpoint}: {reason}",
            endpoint=self._text,
            reason=failure.getErrorMessage(),
        )
