"""News of the guest's port that QEMU's socket does not tell and QMP does."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IDelayedCall, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from vdproxy.errors import RemoteProtocolError
from vdproxy.hub.hub import Hub
from vdproxy.net.connector import Connector
from vdproxy.net.qmp import QMPClient, member, shown
from vdproxy.net.qmp_queries import (
    PORT_NAME,
    GuestDevice,
    find_port,
    is_open,
    is_running,
)

#: Seconds after which it is said that no answer has come. QEMU greets and answers at
#: once, unless somebody else has the socket or it hangs.
_SILENCE = 5.0

#: Seconds after which QEMU's event of an opening has come: one a second, and no more.
_LATE = 1.1

#: Whether the VM's processors run after an event.
_RUNS_AFTER = {"STOP": False, "SUSPEND": False, "RESUME": True, "WAKEUP": True}


class PortNews(Protocol):
    """
    Who is told of the guest's port and of its VM.

    All of it is a hint. QEMU delays its events by up to a second, tells of several
    changes as of one, and says nothing of where in the port's bytes they belong.
    """

    def port_opened(self) -> None:
        """
        The guest's port is open, and was closed before or in between.

        Bytes of whoever opened it may have been read already. Several openings
        within a second may be told of as one.
        """

    def port_closed(self) -> None:
        """The guest's port is closed; it may be told again while it stays so."""

    def vm_stopped(self) -> None:
        """The VM's processors stand still: its guest's silence means nothing."""

    def vm_resumed(self) -> None:
        """The VM's processors run again, or nobody says any longer that they do not."""


class PortWatch(Factory):
    """
    Asks the QMP server at an endpoint about a hub's VM and listens to its events.

    ``text`` is the endpoint's string, for the log. A kind of failure is logged once
    while it lasts.
    """

    noisy = False

    def __init__(
        self, hub: Hub, endpoint: IStreamClientEndpoint, text: str, news: PortNews
    ) -> None:
        self._clock = hub.clock
        self._log = hub.log
        self._text = text
        self._news = news
        self._connector = Connector(endpoint, self, hub, text=text, purpose="QMP")
        self._qmp: QMPClient | None = None
        self._port: GuestDevice | None = None
        self._silence: IDelayedCall | None = None
        self._reported = ""
        self._runs = True
        #: Whether the port has been closed since it was last known to be open.
        self._was_closed = False
        #: When it was asked for and open, of which the event is still to come.
        self._found_open_at = float("-inf")
        self._in_doubt = False
        self._asking = False

    def buildProtocol(self, addr: IAddress | None) -> QMPClient:
        return QMPClient(self)

    def start(self) -> None:
        """Connect."""
        self._connector.start()

    def stop(self) -> None:
        """Disconnect and stay so."""
        self._connector.stop()
        if self._qmp is not None:
            qmp = self._qmp
            self._leave()
            qmp.end("vdproxy stops")

    def connected(self, qmp: QMPClient) -> None:
        """Wait for QEMU's greeting."""
        self._qmp = qmp
        self._asking = self._in_doubt = True
        self._expect_answer()

    def greeted(self, qmp: QMPClient) -> None:
        """Find the port, and out how it is."""
        self._converse(qmp, self._begin(qmp))

    def happened(self, qmp: QMPClient, event: str, data: object) -> None:
        """Take what QEMU says of its own accord."""
        if event in _RUNS_AFTER:
            self._vm_runs(_RUNS_AFTER[event])
        elif event == "RESET":
            self._doubt(qmp)
        elif event == "SHUTDOWN":
            reason = shown(member(data, "reason", str, event))
            self._log.info("the VM shuts down: {reason}", reason=reason)
        elif event == "VSERPORT_CHANGE":
            name = member(data, "id", str, event)
            opened = member(data, "open", bool, event)
            if self._port is not None and name == self._port.id:
                self._port_changed(qmp, opened)

    def ended(self, qmp: QMPClient, reason: str) -> None:
        """Come back later."""
        if qmp is self._qmp:
            self._leave()
            self._report(reason)
            self._connector.lost()

    async def _begin(self, qmp: QMPClient) -> None:
        await qmp.ask("qmp_capabilities")
        self._port = await find_port(qmp)
        await self._ask(qmp)
        self._connector.worked()
        self._reported = ""
        self._tell_of_port()

    async def _ask(self, qmp: QMPClient) -> None:
        """Find out how VM and port are, anew if something happens meanwhile."""
        while self._in_doubt:
            self._in_doubt = False
            self._vm_runs(await is_running(qmp))
            if self._port is None:
                continue
            opened = await is_open(qmp, self._port)
            if not self._in_doubt:
                self._port_is(opened)
        self._asking = False

    def _doubt(self, qmp: QMPClient) -> None:
        """Ask how the port is: it has been closed and may be open again."""
        self._was_closed = self._in_doubt = True
        if not self._asking:
            self._asking = True
            self._converse(qmp, self._ask(qmp))

    def _converse(self, qmp: QMPClient, asking: Coroutine[Any, Any, None]) -> None:
        def fail(failure: Failure) -> None:
            failure.trap(RemoteProtocolError)
            qmp.end(failure.getErrorMessage())

        self._expect_answer()
        answered = Deferred.fromCoroutine(asking)
        answered.addCallback(lambda _: self._end_silence()).addErrback(fail)

    def _expect_answer(self) -> None:
        self._end_silence()
        self._silence = self._clock.callLater(_SILENCE, self._silent)

    def _port_changed(self, qmp: QMPClient, opened: bool) -> None:
        if not opened:
            self._doubt(qmp)
        elif self._clock.seconds() - self._found_open_at > _LATE:
            self._port_opened()

    def _port_is(self, opened: bool) -> None:
        if not opened:
            self._was_closed = True
            self._news.port_closed()
        elif self._was_closed:
            self._found_open_at = self._clock.seconds()
            self._port_opened()

    def _port_opened(self) -> None:
        self._was_closed = False
        self._news.port_opened()

    def _vm_runs(self, runs: bool) -> None:
        if runs is self._runs:
            return
        self._runs = runs
        if runs:
            self._news.vm_resumed()
        else:
            self._news.vm_stopped()

    def _tell_of_port(self) -> None:
        if self._port is None:
            self._log.warn(
                "QMP {endpoint}: the VM has no virtserialport {port}",
                endpoint=self._text,
                port=PORT_NAME,
            )
        elif not self._port.id:
            self._log.warn(
                "QMP {endpoint}: the virtserialport {port} has no id=, without which "
                "QEMU does not tell when the guest opens and closes it",
                endpoint=self._text,
                port=PORT_NAME,
            )
        else:
            self._log.info(
                "watching the guest's port {port} through QMP {endpoint}",
                port=shown(self._port.id),
                endpoint=self._text,
            )

    def _report(self, reason: str) -> None:
        if reason != self._reported:
            self._reported = reason
            self._log.warn(
                "no news of the guest's port from QMP {endpoint}: {reason}",
                endpoint=self._text,
                reason=reason,
            )

    def _leave(self) -> None:
        self._qmp = None
        self._end_silence()
        # Nobody would tell when it runs again.
        self._vm_runs(True)

    def _silent(self) -> None:
        self._silence = None
        self._report("no answer yet, as when another program is connected")

    def _end_silence(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
