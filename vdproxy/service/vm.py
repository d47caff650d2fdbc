"""One VM as a service: its hub, its guest's port, its clients' endpoints."""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList

from vdproxy.hub.hub import Hub
from vdproxy.net.endpoints import client_endpoint, server_endpoint
from vdproxy.net.guest import GuestConnector, GuestPort
from vdproxy.net.listener import Listener
from vdproxy.service.settings import VMSettings


class VMService(Service):
    """
    Serves one VM from start to stop.

    ``failed`` tells whether none of the endpoints for clients could be opened.
    """

    def __init__(
        self,
        settings: VMSettings,
        reactor: Any,  # noqa: ANN401 - the reactor has no one type
        *,
        tracing: bool,
    ) -> None:
        self.hub = Hub(
            settings.name,
            reactor,
            [choice.install() for choice in settings.handlers],
            [choice.install() for choice in settings.filters],
            max_clients=settings.max_clients,
            max_message=settings.max_message,
            tracing=tracing,
        )
        self._guest: GuestPort
        self._guest_listener: Listener | None = None
        self._listeners = [
            Listener(
                server_endpoint(reactor, line.endpoint),
                line.frontend.make().factory(self.hub, line.name),
                self.hub,
                text=line.endpoint,
                purpose=f"{line.frontend.name} clients",
            )
            for line in settings.clients
        ]
        if settings.guest:
            endpoint = client_endpoint(reactor, settings.guest)
            self._guest = GuestConnector(self.hub, endpoint, settings.guest)
        else:
            self._guest = GuestPort(self.hub)
            self._guest_listener = Listener(
                server_endpoint(reactor, settings.guest_listen),
                self._guest,
                self.hub,
                text=settings.guest_listen,
                purpose="the guest",
            )

    @property
    def failed(self) -> bool:
        listeners = self._listeners
        return bool(listeners) and all(listener.failed for listener in listeners)

    def startService(self) -> None:
        super().startService()
        self.hub.start()
        for listener in self._all_listeners():
            listener.start()
        self._guest.start()

    def stopService(self) -> Deferred[Any]:
        super().stopService()
        closed = DeferredList([listener.stop() for listener in self._all_listeners()])
        self._guest.stop()
        return closed.addCallback(lambda _: self.hub.stop())

    def _all_listeners(self) -> list[Listener]:
        return [*self._listeners, *filter(None, [self._guest_listener])]
