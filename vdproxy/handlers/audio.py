"""
Audio: the owner's volumes become the guest's, and those of an agent that comes up.

No agent answers, and none tells what volume the guest has.
"""

from __future__ import annotations

from zope.interface import implementer

from vdproxy.api import (
    VM,
    AudioVolumeSync,
    Capabilities,
    Capability,
    Client,
    Handler,
    IMessageHandler,
    Message,
    Peer,
)
from vdproxy.handlers.ownership import OwnerOptions, Ownership

Options = OwnerOptions


@implementer(IMessageHandler)
class AudioHandler(Handler):
    """Forwards the owner's volumes and remembers the last, of each direction."""

    messages = (AudioVolumeSync,)
    relayed = Capabilities.of(Capability.VD_AGENT_CAP_AUDIO_VOLUME_SYNC)

    def __init__(self, owner: str = "last") -> None:
        self._ownership = Ownership(owner)
        self._volumes: dict[Client, dict[bool, AudioVolumeSync]] = {}

    def start(self, vm: VM) -> None:
        self._vm = vm

    def guest_up(self, capabilities: Capabilities) -> None:
        owner = self._ownership.owner
        if owner is not None:
            for volume in self._volumes[owner].values():
                self._tell(volume, owner)

    def client_left(self, client: Client) -> None:
        self._ownership.left(client)
        self._volumes.pop(client, None)

    def received(self, peer: Peer, message: Message) -> None:
        if isinstance(message, AudioVolumeSync) and isinstance(peer, Client):
            self._volumes.setdefault(peer, {})[message.is_playback] = message
            if self._ownership.asked(peer):
                self._tell(message, peer)

    def _tell(self, volume: AudioVolumeSync, source: Client) -> None:
        guest = self._vm.guest
        if guest.can(Capability.VD_AGENT_CAP_AUDIO_VOLUME_SYNC):
            guest.send(volume, source=source)


def make(options: OwnerOptions) -> AudioHandler:
    """Return the handler for one VM."""
    return AudioHandler(options.owner)
