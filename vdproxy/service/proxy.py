"""The process: all VMs of a configuration."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.application.service import MultiService
from twisted.logger import Logger

from vdproxy.errors import VdproxyError
from vdproxy.service.settings import Settings
from vdproxy.service.vm import VMService

_log = Logger(namespace="vdproxy")


class NothingServed(SystemExit, VdproxyError):
    """
    No VM can listen for clients.

    twistd cleans up after an Exception and tells the process that waits for a
    daemon; Python ends with status 1 and no traceback on a SystemExit.
    """


class ProxyService(MultiService):
    """Serves all VMs; one that cannot be served does not stop the others."""

    def __init__(self, settings: Settings, vms: Sequence[VMService]) -> None:
        super().__init__()
        self._notes = settings.notes
        self._vms = vms
        for vm in vms:
            vm.setServiceParent(self)

    def startService(self) -> None:
        """
        Start all VMs.

        :raises NothingServed: no VM could listen for clients.
        """
        for note in self._notes:
            _log.warn("{note}", note=note)
        super().startService()
        if all(vm.failed for vm in self._vms):
            raise NothingServed("vdproxy: no VM can listen for clients; see the log")
