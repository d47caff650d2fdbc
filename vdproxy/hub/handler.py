"""
What a hub asks of a handler, and the no-op answers to start one from.

:class:`vdproxy.interfaces.IMessageHandler` is the contract and says what each
method means.
"""

from __future__ import annotations

from typing import Protocol

from vdproxy.hub.client import Client
from vdproxy.hub.peer import Peer
from vdproxy.hub.vm import VM
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import Message


class Handler:
    """A handler that owns nothing and does nothing, to be built upon."""

    messages: tuple[type[Message], ...] = ()
    relayed: Capabilities = Capabilities()
    provided: Capabilities = Capabilities()

    def start(self, vm: VM) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""

    def guest_up(self, capabilities: Capabilities) -> None:
        """Do nothing."""

    def guest_lost(self) -> None:
        """Do nothing."""

    def client_ready(self, client: Client) -> None:
        """Do nothing."""

    def client_left(self, client: Client) -> None:
        """Do nothing."""

    def received(self, peer: Peer, message: Message) -> None:
        """Do nothing."""

    def dropped(self, peer: Peer, message: Message, reason: str) -> None:
        """Do nothing."""

    def withheld(self, peer: Peer, message: Message, reason: str) -> None:
        """Do nothing."""


class Negotiator(Protocol):
    """What more is asked of the handler that owns ANNOUNCE_CAPABILITIES."""

    def offer_to_guest(self) -> Capabilities: ...
    def offer_to_client(self, client: Client) -> Capabilities: ...
