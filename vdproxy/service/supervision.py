"""How the process is told to go on, to begin anew and to end, and what it tells."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import LoopingCall

from vdproxy.service.notify import Notifier
from vdproxy.service.proxy import ProxyService


class Supervision(Service):
    """
    Heeds signals for *proxy* and keeps the service manager informed.

    SIGHUP has the configuration read anew, SIGTERM and SIGINT end the process with
    status 0. What comes while that goes on does no harm. The handlers stay in place
    until the process has ended.
    """

    def __init__(
        self,
        proxy: ProxyService,
        reactor: Any,  # noqa: ANN401 - the reactor has no one type
        notifier: Notifier,
    ) -> None:
        self._proxy = proxy
        self._reactor = reactor
        self._notifier = notifier
        self._watchdog = LoopingCall(notifier.alive)
        self._watchdog.clock = reactor
        self._reloading = False
        self._wanted = False
        self._ending = False

    def privilegedStartService(self) -> None:  # noqa: N802 - Twisted's name
        # A SIGHUP that comes early is not to end the process.
        self._heed(signal.SIGHUP, self.reload)

    def startService(self) -> None:
        super().startService()
        # The reactor sets its own handlers when it begins to run.
        self._reactor.callWhenRunning(self._begin)

    def stopService(self) -> None:
        super().stopService()
        self._notifier.stopping()
        if self._watchdog.running:
            self._watchdog.stop()

    def reload(self) -> None:
        """Read the configuration anew, and once more if that is wanted meanwhile."""
        self._wanted = True
        if self.running and not self._reloading:
            self._reloading = True
            ensureDeferred(self._reload())

    def _begin(self) -> None:
        if not self.running:
            return
        self._heed(signal.SIGTERM, self._end)
        self._heed(signal.SIGINT, self._end)
        self._notifier.ready(self._proxy.status)
        if self._notifier.interval:
            self._watchdog.start(self._notifier.interval)

    def _heed(self, number: int, act: Callable[[], None]) -> None:
        signal.signal(number, lambda *_: self._reactor.callFromThread(act))

    async def _reload(self) -> None:
        try:
            while self._wanted and self.running:
                self._wanted = False
                self._notifier.reloading()
                await self._proxy.reload()
                if self.running:
                    self._notifier.ready(self._proxy.status)
        finally:
            self._reloading = False

    def _end(self) -> None:
        if self.running and not self._ending:
            self._ending = True
            self._reactor.stop()
