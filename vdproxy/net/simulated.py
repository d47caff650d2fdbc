"""``simulated:``, the endpoint of a guest agent inside vdproxy."""

from __future__ import annotations

import socket
from pathlib import Path

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IReactorSocket,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from vdproxy.errors import RemoteProtocolError
from vdproxy.hub.transport import Transport
from vdproxy.net.simulated_agent import SimulatedAgent
from vdproxy.net.unix_client import speak_over

_log = Logger()


class SimulatedProtocol(Protocol):
    """A simulated agent at the guest's end of a connection."""

    transport: Transport  # type: ignore[assignment]  # there from connectionMade on

    def __init__(self, agent: SimulatedAgent) -> None:
        self._agent = agent

    def connectionMade(self) -> None:
        self.dataReceived(b"")

    def dataReceived(self, data: bytes) -> None:
        try:
            self.transport.write(self._agent.receive_data(data))
        except RemoteProtocolError as error:
            _log.warn("the simulated guest closes its port: {error}", error=error)
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._agent.end()


@implementer(IStreamClientEndpoint)
class SimulatedEndpoint:
    """Connects to a new agent over a socket pair, as to QEMU's socket."""

    def __init__(self, reactor: IReactorSocket, folder: Path | None) -> None:
        self._reactor = reactor
        self._folder = folder

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:  # noqa: N803
        protocol = protocolFactory.buildProtocol(None)  # type: ignore[arg-type]  # a socket pair has no address
        if protocol is None:
            return fail(ConnectionRefusedError("no protocol for this connection"))
        agent = SimulatedProtocol(SimulatedAgent(self._folder))
        host_end, guest_end = socket.socketpair()
        with host_end, guest_end:
            for end, side in ((host_end, protocol), (guest_end, agent)):
                speak_over(self._reactor, end, side)
        return succeed(protocol)


def make(reactor: IReactorSocket, *args: str, **kwargs: str) -> SimulatedEndpoint:
    """
    Return the endpoint for ``simulated:`` or ``simulated:files=FOLDER``.

    :raises ValueError: another argument, or a folder that does not exist.
    """
    files = kwargs.pop("files", "")
    for argument in (*filter(None, args), *kwargs):
        raise ValueError(f"simulated: takes files=FOLDER, not {argument!r}")
    folder = Path(files) if files else None
    if folder is not None and not folder.is_dir():
        raise ValueError(f"{files!r} is not a folder")
    return SimulatedEndpoint(reactor, folder)
