"""The process: all VMs of a configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from twisted.application.service import MultiService
from twisted.internet.defer import DeferredList, ensureDeferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from vdproxy.errors import ConfigError, VdproxyError
from vdproxy.hub.budget import Budget
from vdproxy.hub.isolation import Failed, attempt
from vdproxy.net.gate import Gate
from vdproxy.registry import reason
from vdproxy.service.settings import ProcessOptions, Settings, VMSettings
from vdproxy.service.vm import VMService

_log = Logger(namespace="vdproxy")


class NothingServed(SystemExit, VdproxyError):
    """
    No VM can listen for clients.

    twistd cleans up after an Exception and tells the process that waits for a
    daemon; Python ends with status 1 and no traceback on a SystemExit.
    """


class ProxyService(MultiService):
    """
    Serves all VMs; one that cannot be served does not stop the others.

    *load* reads the configuration anew. ``status`` says in a line how things stand.
    """

    def __init__(
        self,
        settings: Settings,
        load: Callable[[], Settings],
        reactor: Any,  # noqa: ANN401 - the reactor has no one type
        *,
        tracing: bool = False,
    ) -> None:
        super().__init__()
        self._notes = settings.notes
        self._load = load
        self._reactor = reactor
        self._tracing = tracing
        self._budget = Budget()
        self._gate = Gate(reactor)
        self._limit(settings.process)
        self.status = ""
        for vm in settings.vms:
            self._new_vm(vm).setServiceParent(self)

    @property
    def vms(self) -> list[VMService]:
        """The VMs that are served."""
        return cast("list[VMService]", list(self))

    def startService(self) -> None:
        """
        Start all VMs.

        :raises NothingServed: no VM could listen for clients.
        """
        self._note(self._notes)
        super().startService()
        if all(vm.failed for vm in self.vms):
            raise NothingServed("vdproxy: no VM can listen for clients; see the log")
        self._tell_status()

    async def reload(self) -> None:
        """
        Go over to the configuration as it is now, if there is nothing wrong with it.

        VMs and connections that are in it as they were before are left alone.
        """
        settings = attempt(self._load)
        if isinstance(settings, Failed):
            self._refuse(settings.error)
            return
        served = {vm.name: vm for vm in self.vms}
        wanted = {vm.name: vm for vm in settings.vms}
        planned = attempt(
            lambda: (
                [(v, v.fit(wanted[n])) for n, v in served.items() if n in wanted],
                [self._new_vm(vm) for n, vm in wanted.items() if n not in served],
            )
        )
        if isinstance(planned, Failed):
            self._refuse(planned.error)
            return
        changed, added = planned
        gone = [vm for name, vm in served.items() if name not in wanted]
        await DeferredList([maybeDeferred(vm.disownServiceParent) for vm in gone])
        self._limit(settings.process)
        await DeferredList(
            [
                ensureDeferred(vm.wear(outfit)).addErrback(self._not_changed, vm)
                for vm, outfit in changed
            ]
        )
        if not self.running:
            return
        for vm in added:
            vm.setServiceParent(self)
        self._note(settings.notes)
        self._tell_status()
        _log.info("the configuration was read anew: {status}", status=self.status)

    def _refuse(self, error: BaseException) -> None:
        problems = error.problems if isinstance(error, ConfigError) else [reason(error)]
        for problem in problems:
            _log.error("{problem}", problem=problem)
        _log.error("the configuration stays as it was: the new one is bad")
        self._tell_status("; the configuration that was read last is bad, see the log")

    def _not_changed(self, failure: Failure, vm: VMService) -> None:
        _log.failure(
            "{vm}: not all of its configuration could be changed",
            failure,
            vm=vm.hub.name,
        )

    def _new_vm(self, settings: VMSettings) -> VMService:
        vm = VMService(
            settings,
            self._reactor,
            budget=self._budget,
            gate=self._gate,
            tracing=self._tracing,
        )
        vm.setName(settings.name)
        return vm

    def _limit(self, process: ProcessOptions) -> None:
        self._budget.limit(
            process.max_memory, process.max_clients, process.max_clients_per_uid
        )

    def _note(self, notes: tuple[str, ...]) -> None:
        for note in notes:
            _log.warn("{note}", note=note)

    def _tell_status(self, more: str = "") -> None:
        names = [vm.hub.name for vm in self.vms]
        self.status = f"serving {', '.join(names)}{more}"
