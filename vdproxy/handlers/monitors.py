"""
Monitors: the owner's MONITORS_CONFIG goes to the guest, its REPLY to who asked.

Linux agents before 0.23 do not know physical sizes and ignore a message with them
whole, which is all that tells such an agent: it is asked again without them. An agent
without SPARSE_MONITORS_CONFIG is told of the monitors that are on, as by spice-gtk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from zope.interface import implementer

from vdproxy.api import (
    Capabilities,
    Capability,
    IMessageHandler,
    MonitorsConfig,
    MonitorsConfigFlags,
)
from vdproxy.handlers.asking import AskingHandler
from vdproxy.handlers.ownership import OwnerOptions

Options = OwnerOptions


@implementer(IMessageHandler)
class MonitorsHandler(AskingHandler[MonitorsConfig]):
    """Forwards the owner's configurations in a form that the agent knows."""

    relayed = Capabilities.of(
        Capability.VD_AGENT_CAP_MONITORS_CONFIG,
        Capability.VD_AGENT_CAP_REPLY,
        Capability.VD_AGENT_CAP_SPARSE_MONITORS_CONFIG,
        Capability.VD_AGENT_CAP_MONITORS_CONFIG_POSITION,
    )

    def __init__(self, owner: str = "last") -> None:
        super().__init__(MonitorsConfig, Capability.VD_AGENT_CAP_MONITORS_CONFIG, owner)
        self._knows_sizes = True

    def guest_lost(self) -> None:
        super().guest_lost()
        self._knows_sizes = True

    def forms(self, message: MonitorsConfig) -> Sequence[MonitorsConfig]:
        if not self._vm.guest.can(Capability.VD_AGENT_CAP_SPARSE_MONITORS_CONFIG):
            on = tuple(m for m in message.monitors if m.width or m.height)
            message = replace(message, monitors=on)
        if not message.has_physical_size:
            return (message,)
        plain = _without_physical_size(message)
        return (message, plain) if self._knows_sizes else (plain,)

    def ignored_better_form(self) -> None:
        self._knows_sizes = False
        self._vm.log.info("the guest's agent does not know monitors' physical sizes")


def _without_physical_size(message: MonitorsConfig) -> MonitorsConfig:
    flag = MonitorsConfigFlags.VD_AGENT_CONFIG_MONITORS_FLAG_PHYSICAL_SIZE
    return MonitorsConfig(
        message.flags & ~flag,
        tuple(replace(m, width_mm=0, height_mm=0) for m in message.monitors),
    )


def make(options: OwnerOptions) -> MonitorsHandler:
    """Return the handler for one VM."""
    return MonitorsHandler(options.owner)
