"""One VM as a service: its hub, its guest's port, its clients' endpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, ensureDeferred, maybeDeferred

from vdproxy.hub.budget import Budget
from vdproxy.hub.filter import Filter
from vdproxy.hub.handler import Handler
from vdproxy.hub.hub import Hub
from vdproxy.hub.isolation import Installed
from vdproxy.net.endpoints import client_endpoint, server_endpoint
from vdproxy.net.gate import Gate
from vdproxy.net.guest import GuestConnector, GuestPort
from vdproxy.net.listener import Listener
from vdproxy.net.port_watch import PortWatch
from vdproxy.service.entrance import Entrance
from vdproxy.service.plugins import Choice
from vdproxy.service.settings import ClientsLine, VMSettings

_K = TypeVar("_K")
_P = TypeVar("_P")


class _Part(Protocol):
    """What runs from start to stop, where it is over when a Deferred fires."""

    def start(self) -> None: ...
    def stop(self) -> Deferred[None] | None: ...


@dataclass(frozen=True)
class Outfit:
    """What the settings of a VM come to: nothing of it that is new runs yet."""

    settings: VMSettings
    handlers: Sequence[Installed[Handler]]
    filters: Sequence[Installed[Filter]]
    entrances: Sequence[Entrance]
    guest: Sequence[_Part]
    qmp: Sequence[_Part]

    @property
    def parts(self) -> list[_Part]:
        """What is connected to, and listened on."""
        return [*self.entrances, *self.guest, *self.qmp]


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
        budget: Budget | None = None,
        gate: Gate | None = None,
        tracing: bool,
    ) -> None:
        self._reactor = reactor
        self._gate = gate
        handlers = [choice.install() for choice in settings.handlers]
        filters = [choice.install() for choice in settings.filters]
        self.hub = Hub(
            settings.name,
            reactor,
            handlers,
            filters,
            limits=settings.limits,
            budget=budget,
            access=settings.access,
            tracing=tracing,
        )
        self._outfit = Outfit(
            settings,
            handlers,
            filters,
            [self._entrance(line) for line in settings.clients],
            self._guest(settings),
            self._qmp(settings),
        )

    @property
    def failed(self) -> bool:
        entrances = self._outfit.entrances
        return bool(entrances) and all(entrance.failed for entrance in entrances)

    def startService(self) -> None:
        super().startService()
        self.hub.start()
        for part in self._outfit.parts:
            part.start()

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return ensureDeferred(self._stop())

    async def _stop(self) -> None:
        await DeferredList([entrance.close() for entrance in self._outfit.entrances])
        # Handlers have something to say yet, to clients and to the guest.
        left = self.hub.stop()
        await _stopped([*self._outfit.guest, *self._outfit.qmp])
        await left

    def fit(self, settings: VMSettings) -> Outfit:
        """
        Return what these settings come to, with all that is as it was.

        A plugin that is relied upon no more is made anew. Whatever it raises,
        nothing has changed.
        """
        old, former = self._outfit, self._outfit.settings
        guest, qmp = old.guest, old.qmp
        if _guest_of(settings) != _guest_of(former):
            guest = self._guest(settings)
        if settings.qmp != former.qmp:
            qmp = self._qmp(settings)
        return Outfit(
            settings,
            self._plugins(settings.handlers, former.handlers, old.handlers),
            self._plugins(settings.filters, former.filters, old.filters),
            _fitted(
                settings.clients,
                zip(former.clients, old.entrances, strict=True),
                self._entrance,
            ),
            guest,
            qmp,
        )

    async def wear(self, outfit: Outfit) -> None:
        """Go over to another outfit; nobody whom it keeps notices."""
        before, self._outfit = self._outfit.parts, outfit
        await _stopped([part for part in before if part not in outfit.parts])
        if not self.running:
            return
        self.hub.limits = outfit.settings.limits
        self.hub.access = outfit.settings.access
        self.hub.reinstall(outfit.handlers, outfit.filters)
        for part in outfit.parts:
            if part not in before:
                part.start()

    def _plugins(
        self,
        wanted: Iterable[Choice],
        former: Iterable[Choice],
        installed: Iterable[Installed[Any]],
    ) -> Sequence[Installed[Any]]:
        present = [
            (choice, plugin)
            for choice, plugin in zip(former, installed, strict=True)
            if self.hub.employs(plugin)
        ]
        return _fitted(wanted, present, Choice.install)

    def _entrance(self, line: ClientsLine) -> Entrance:
        endpoint = server_endpoint(self._reactor, line.endpoint)
        return Entrance(self.hub, line, endpoint, self._gate)

    def _guest(self, settings: VMSettings) -> Sequence[_Part]:
        if settings.guest:
            endpoint = client_endpoint(self._reactor, settings.guest)
            return [GuestConnector(self.hub, endpoint, settings.guest)]
        port = GuestPort(self.hub)
        listener = Listener(
            server_endpoint(self._reactor, settings.guest_listen),
            port,
            self.hub,
            text=settings.guest_listen,
            purpose="the guest",
        )
        return [listener, port]

    def _qmp(self, settings: VMSettings) -> Sequence[_Part]:
        if not settings.qmp:
            return []
        endpoint = client_endpoint(self._reactor, settings.qmp)
        return [PortWatch(self.hub, endpoint, settings.qmp, self.hub.guest)]


def _guest_of(settings: VMSettings) -> tuple[str, str]:
    return settings.guest, settings.guest_listen


def _fitted(
    wanted: Iterable[_K], present: Iterable[tuple[_K, _P]], make: Callable[[_K], _P]
) -> Sequence[_P]:
    """Return what is there for each that is wanted, made where it is not."""
    there = list(present)
    return [
        next((part for key, part in there if key == one), None) or make(one)
        for one in wanted
    ]


def _stopped(parts: Iterable[_Part]) -> Deferred[Any]:
    return DeferredList([maybeDeferred(part.stop) for part in parts])
