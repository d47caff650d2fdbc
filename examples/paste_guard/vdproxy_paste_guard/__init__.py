"""Paste guard: what somebody copies goes nowhere if it holds a private key."""

from dataclasses import dataclass

from zope.interface import implementer

from vdproxy import api


@dataclass(frozen=True)
class Options:
    """How a private key is known."""

    markers: str = api.option("what only keys have in them, one a line", "PRIVATE KEY")

    def __post_init__(self) -> None:
        if not self.markers.strip():
            raise ValueError("markers: at least one is needed")


@implementer(api.IMessageFilter)
class PasteGuard(api.Filter):
    """Judges clipboard data on their way in, from the guest and from any client."""

    def start(self, vm: api.VM) -> None:
        self._vm = vm

    def incoming(self, peer: api.Peer, message: api.Message) -> api.Verdict:
        if isinstance(message, api.Clipboard):
            markers = self._vm.options_for(peer).markers.split("\n")
            if any(marker.encode() in message.data for marker in markers if marker):
                return api.Drop("it holds a private key")
        return None


def make(options: Options) -> PasteGuard:
    """Return the filter for one VM."""
    return PasteGuard()
