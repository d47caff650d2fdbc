"""
Graphics device: the map of displays to graphics devices, as told last, goes up.

It is spice-server that tells it, as a client of the port, and only when devices
change. An agent that comes up later needs it to know which display a layout means.
"""

from __future__ import annotations

from zope.interface import implementer

from vdproxy.api import (
    VM,
    Capabilities,
    Capability,
    Client,
    GraphicsDeviceInfo,
    Handler,
    IMessageHandler,
    Message,
    NoOptions,
    Peer,
)


@implementer(IMessageHandler)
class GraphicsDeviceHandler(Handler):
    """Forwards each map, and the newest to an agent that comes up."""

    messages = (GraphicsDeviceInfo,)
    relayed = Capabilities.of(Capability.VD_AGENT_CAP_GRAPHICS_DEVICE_INFO)

    def __init__(self) -> None:
        self._maps: dict[Client, GraphicsDeviceInfo] = {}

    def start(self, vm: VM) -> None:
        self._vm = vm

    def guest_up(self, capabilities: Capabilities) -> None:
        if self._maps:
            self._tell_newest()

    def client_left(self, client: Client) -> None:
        self._maps.pop(client, None)

    def received(self, peer: Peer, message: Message) -> None:
        if isinstance(message, GraphicsDeviceInfo) and isinstance(peer, Client):
            self._maps.pop(peer, None)
            self._maps[peer] = message
            self._tell_newest()

    def _tell_newest(self) -> None:
        client, newest = next(reversed(self._maps.items()))
        if self._vm.guest.can(Capability.VD_AGENT_CAP_GRAPHICS_DEVICE_INFO):
            self._vm.guest.send(newest, source=client)


def make(options: NoOptions) -> GraphicsDeviceHandler:
    """Return the handler for one VM."""
    return GraphicsDeviceHandler()
