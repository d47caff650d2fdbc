"""
The vdi frontend: the byte stream of a guest's vdagent port, for any number.

What works against the socket that QEMU's virtserialport carries works here,
another vdproxy included.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import (
    IAddress,
    IProtocolFactory,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from vdproxy.errors import Refused
from vdproxy.frontends.credentials import peer_credentials
from vdproxy.hub.client import Client
from vdproxy.hub.hub import Hub
from vdproxy.hub.transport import Transport
from vdproxy.interfaces import IFrontend
from vdproxy.makers import NoOptions


class VdiProtocol(Protocol):
    """One client's connection."""

    transport: Transport  # type: ignore[assignment]  # there from connectionMade on

    def __init__(self, hub: Hub, name: str) -> None:
        self._hub = hub
        self._name = name
        self._client: Client | None = None

    def connectionMade(self) -> None:
        transport: Any = self.transport
        if isinstance(transport.getHost(), (IPv4Address, IPv6Address)):
            transport.setTcpNoDelay(True)
        who = peer_credentials(self.transport)
        uid, gids = who or (None, frozenset[int]())
        try:
            self._client = self._hub.attach(
                self.transport, "vdi", self._name, uid, gids
            )
        except Refused:
            self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        if self._client is not None:
            self._client.receive_data(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._client is not None:
            self._client.disconnected(reason.getErrorMessage())


class VdiFactory(Factory):
    """Makes a VdiProtocol for each client of one endpoint."""

    noisy = False

    def __init__(self, hub: Hub, name: str) -> None:
        self._hub = hub
        self._name = name

    def buildProtocol(self, addr: IAddress | None) -> VdiProtocol:
        return VdiProtocol(self._hub, self._name)


@implementer(IFrontend)
class VdiFrontend:
    """Serves chunk streams."""

    def factory(self, hub: Hub, name: str) -> IProtocolFactory:
        return VdiFactory(hub, name)


def make(options: NoOptions) -> VdiFrontend:
    """Return the frontend."""
    return VdiFrontend()
