"""The process: all VMs of a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from twisted.application.service import MultiService
from twisted.logger import Logger

from vdproxy.service.settings import Settings
from vdproxy.service.vm import VMService

_log = Logger(namespace="vdproxy")


class ProxyService(MultiService):
    """
    Serves all VMs; one that cannot be served does not stop the others.

    ``pidfile`` is twistd's, empty for none: it is removed if there is nothing
    to go on for.
    """

    def __init__(
        self,
        settings: Settings,
        vms: Sequence[VMService],
        pidfile: str = "",
    ) -> None:
        super().__init__()
        self._notes = settings.notes
        self._vms = vms
        self._pidfile = pidfile
        for vm in vms:
            vm.setServiceParent(self)

    def startService(self) -> None:
        """
        Start all VMs.

        :raises SystemExit: no VM could listen for clients.
        """
        for note in self._notes:
            _log.warn("{note}", note=note)
        super().startService()
        if all(vm.failed for vm in self._vms):
            # twistd removes its file only if what it runs ends in another way.
            if self._pidfile:
                Path(self._pidfile).unlink(missing_ok=True)
            raise SystemExit("vdproxy: no VM can listen for clients; see the log")
