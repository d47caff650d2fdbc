"""
Capability negotiation: what the guest is told, and what each client is shown.

The guest is told everything the enabled handlers can use, so that clients with
any capabilities can come and go without a word to it: a question from its host
means a new client to the Linux agent, which then drops transfers and clipboard.
A client is shown what the agent can do as far as handlers support it, and what
handlers make true themselves.
"""

from __future__ import annotations

from zope.interface import implementer

from vdproxy.api import (
    FILES_DISABLED,
    VM,
    AnnounceCapabilities,
    Capabilities,
    Capability,
    Client,
    Handler,
    ICapabilitiesHandler,
    Message,
    MessageType,
    NoOptions,
    Peer,
)

#: What only agents announce: what kind of guest this is, or what they take from a
#: client. spice-gtk tells an agent none of them.
_AGENTS_OWN = Capabilities.of(
    Capability.VD_AGENT_CAP_SPARSE_MONITORS_CONFIG,
    Capability.VD_AGENT_CAP_GUEST_LINEEND_LF,
    Capability.VD_AGENT_CAP_GUEST_LINEEND_CRLF,
    Capability.VD_AGENT_CAP_MAX_CLIPBOARD,
    Capability.VD_AGENT_CAP_AUDIO_VOLUME_SYNC,
    Capability.VD_AGENT_CAP_FILE_XFER_DISABLED,
    Capability.VD_AGENT_CAP_GRAPHICS_DEVICE_INFO,
)


@implementer(ICapabilitiesHandler)
class CapabilitiesHandler(Handler):
    """Composes every offer; keeps announcements from crossing the hub."""

    messages = (AnnounceCapabilities,)

    def start(self, vm: VM) -> None:
        self._vm = vm

    def offer_to_guest(self) -> Capabilities:
        return (self._vm.relayed | self._vm.provided) - _AGENTS_OWN

    def offer_to_client(self, client: Client) -> Capabilities:
        agent = self._vm.guest.announced or Capabilities()
        offer = (
            (agent & self._vm.relayed) | self._vm.provided | (agent & FILES_DISABLED)
        )
        if self._vm.owns(MessageType.VD_AGENT_FILE_XFER_START):
            return offer
        return offer | FILES_DISABLED

    def received(self, peer: Peer, message: Message) -> None:
        if peer is self._vm.guest and isinstance(message, AnnounceCapabilities):
            self._vm.offers_changed()


def make(options: NoOptions) -> CapabilitiesHandler:
    """Return the handler for one VM."""
    return CapabilitiesHandler()
