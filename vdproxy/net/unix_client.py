"""Connecting to Unix sockets, which succeeds or fails at once."""

from __future__ import annotations

import os
import socket
from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import NoProtocol, getConnectError
from twisted.internet.interfaces import (
    IAddress,
    IProtocol,
    IProtocolFactory,
    IReactorSocket,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import ServerFactory
from zope.interface import implementer


@implementer(IStreamClientEndpoint)
class UNIXSocketEndpoint:
    """
    Connects to the Unix socket at *path*.

    Of hundreds of VMs that are off each is tried every few seconds: a try in vain
    costs a fraction of what it does with Twisted's endpoint.
    """

    def __init__(
        self,
        reactor: Any,  # noqa: ANN401 - the reactor has no one type
        path: str,
    ) -> None:
        self._reactor = reactor
        self._path = path

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:  # noqa: N803
        """Connect; fails with ConnectError, as other endpoints do."""
        return maybeDeferred(self._connect, protocolFactory)

    def _connect(self, factory: IProtocolFactory) -> IProtocol:
        with socket.socket(socket.AF_UNIX) as end:
            end.setblocking(False)
            number = end.connect_ex(self._path)
            if number:
                raise getConnectError((number, os.strerror(number)))
            address = UNIXAddress(os.fsencode(self._path))
            protocol = factory.buildProtocol(address)
            if protocol is None:
                raise NoProtocol
            speak_over(self._reactor, end, protocol)
        return protocol


def speak_over(
    reactor: IReactorSocket, end: socket.socket, protocol: IProtocol
) -> None:
    """Connect *protocol* to what a Unix socket is connected to; *end* can be closed."""
    end.setblocking(False)
    reactor.adoptStreamConnection(end.fileno(), socket.AF_UNIX, _One(protocol))


class _One(ServerFactory):
    """A factory that has one protocol to give."""

    def __init__(self, protocol: IProtocol) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: IAddress | None) -> Any:  # noqa: ANN401 - an IProtocol
        return self._protocol
