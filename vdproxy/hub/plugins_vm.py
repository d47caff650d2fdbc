"""A hub as its plugins see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vdproxy.hub.budget import Holding
from vdproxy.hub.client import Client
from vdproxy.hub.isolation import Mount
from vdproxy.hub.peer import Peer
from vdproxy.wire.capabilities import Capabilities

if TYPE_CHECKING:
    from vdproxy.hub.hub import Hub


class PluginsVM:
    """A hub as one of its plugins sees it: a VM."""

    def __init__(self, hub: Hub, mount: Mount[Any]) -> None:
        self._hub = hub
        self.name = hub.name
        self.clock = mount.clock
        self.log = hub.log
        self.guest = hub.guest
        self.options = mount.options
        self._special = mount.special
        self._kept = Holding(hub.share)
        self._keeps = 0
        self._ended = False
        mount.ended = self._end

    def options_for(self, peer: Peer) -> Any:  # noqa: ANN401 - the plugin's own class
        return self._special.get((peer.frontend, peer.name), self.options)

    @property
    def max_message(self) -> int:
        return self._hub.limits.max_message

    def keeps(self, more: int) -> None:
        if not self._ended:
            self._keeps += more
            self._kept.set(self._keeps)

    @property
    def clients(self) -> tuple[Client, ...]:
        return tuple([c for c in self._hub.clients if c.introduced])

    @property
    def relayed(self) -> Capabilities:
        return self._hub.features.relayed

    @property
    def provided(self) -> Capabilities:
        return self._hub.features.provided

    def owns(self, number: int) -> bool:
        return self._hub.features.owns(number)

    def count(self, event: str) -> None:
        self._hub.counters[event] += 1

    def offers_changed(self) -> None:
        self._hub.renegotiate()

    def _end(self) -> None:
        """Forget what the plugin kept: it has been stopped."""
        self._ended = True
        self._kept.set(0)
