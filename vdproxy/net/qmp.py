"""QMP, the protocol of QEMU's monitor: a greeting, one command at a time, events."""

from __future__ import annotations

import json
from typing import Literal, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from vdproxy.errors import RemoteProtocolError
from vdproxy.hub.transport import Transport

_T = TypeVar("_T")

#: All that vdproxy ever asks of a QEMU; nothing here changes the VM.
Command = Literal[
    "qmp_capabilities", "qom-list", "qom-get", "query-status", "query-chardev"
]

#: Characters of QEMU's own words that the log is given.
_SHOWN = 200


class QMPOwner(Protocol):
    """Whom a connection reports to; an event's data may be no object at all."""

    def connected(self, qmp: QMPClient) -> None: ...
    def greeted(self, qmp: QMPClient) -> None: ...
    def happened(self, qmp: QMPClient, event: str, data: object) -> None: ...
    def ended(self, qmp: QMPClient, reason: str) -> None: ...


class QMPClient(LineOnlyReceiver):
    """
    One connection to a QEMU.

    The owner may raise RemoteProtocolError from what it is told; the connection
    ends with that, as it does with all that is no QMP.
    """

    transport: Transport  # type: ignore[assignment]  # there from connectionMade on

    delimiter = b"\n"

    #: Bytes in a line. A query-chardev of 100 devices has some 10,000.
    MAX_LENGTH = 1024 * 1024

    def __init__(self, owner: QMPOwner) -> None:
        self._owner = owner
        self._greeted = False
        self._asked: tuple[Command, Deferred[object]] | None = None
        self._over = False

    def ask(self, command: Command, **arguments: str) -> Deferred[object]:
        """
        Have a command executed; only when the last one has been answered.

        The Deferred fails with RemoteProtocolError if QEMU refuses, or when the
        connection ends.
        """
        answer: Deferred[object] = Deferred()
        self._asked = (command, answer)
        call = {"execute": command, "arguments": arguments}
        self.sendLine(json.dumps(call).encode())
        return answer

    def end(self, reason: str) -> None:
        """End the connection, if it has not; the owner is told the reason."""
        if self._over:
            return
        self._over = True
        self.transport.abortConnection()
        self._owner.ended(self, reason)
        if self._asked is not None:
            _, answer = self._asked
            answer.errback(RemoteProtocolError(reason))

    def connectionMade(self) -> None:
        self._owner.connected(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.end(reason.getErrorMessage())

    def lineReceived(self, line: bytes) -> None:
        if self._over:
            return
        try:
            self._take(_read(line))
        except RemoteProtocolError as error:
            self.end(str(error))

    def lineLengthExceeded(self, line: bytes) -> None:
        self.end(f"a line has over {self.MAX_LENGTH} bytes")

    def _take(self, said: object) -> None:
        if not isinstance(said, dict):
            raise RemoteProtocolError("a line is no object")
        if not self._greeted:
            if "QMP" not in said:
                raise RemoteProtocolError("it does not begin with QMP's greeting")
            self._greeted = True
            self._owner.greeted(self)
        elif "event" in said:
            event = member(said, "event", str, "an event")
            self._owner.happened(self, event, said.get("data"))
        elif "return" in said or "error" in said:
            self._answered(said)
        else:
            raise RemoteProtocolError("a line is neither answer nor event")

    def _answered(self, said: dict[str, object]) -> None:
        if self._asked is None:
            raise RemoteProtocolError("an answer to nothing that was asked")
        command, answer = self._asked
        if "return" in said:
            self._asked = None
            answer.callback(said["return"])
            return
        kind = member(said["error"], "class", str, "a refusal")
        words = member(said["error"], "desc", str, "a refusal")
        raise RemoteProtocolError(f"{command} refused: {shown(kind)}: {shown(words)}")


def member(of: object, name: str, kind: type[_T], what: str) -> _T:
    """
    Return a member of a JSON object that is part of *what*.

    :raises RemoteProtocolError: there is none, or it is not of that kind.
    """
    if isinstance(of, dict) and isinstance(value := of.get(name), kind):
        return value
    raise RemoteProtocolError(f"{what} has no {name}, or none of the right kind")


def shown(text: str) -> str:
    """Return words of QEMU's as they may stand in a log line."""
    return text[:_SHOWN].encode("unicode_escape").decode("ascii")


def _read(line: bytes) -> object:
    try:
        said: object = json.loads(line)
    except (ValueError, RecursionError):
        raise RemoteProtocolError("a line is no JSON") from None
    return said
