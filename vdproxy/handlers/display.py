"""
Display: the owner's DISPLAY_CONFIG goes to the guest, its REPLY to who asked.

Windows agents turn off what makes a desktop slow to show; no Linux agent does.
"""

from __future__ import annotations

from zope.interface import implementer

from vdproxy.api import Capabilities, Capability, DisplayConfig, IMessageHandler
from vdproxy.handlers.asking import AskingHandler
from vdproxy.handlers.ownership import OwnerOptions

Options = OwnerOptions


@implementer(IMessageHandler)
class DisplayHandler(AskingHandler[DisplayConfig]):
    """Forwards the owner's wishes for the desktop."""

    relayed = Capabilities.of(
        Capability.VD_AGENT_CAP_DISPLAY_CONFIG, Capability.VD_AGENT_CAP_REPLY
    )

    def __init__(self, owner: str = "last") -> None:
        super().__init__(DisplayConfig, Capability.VD_AGENT_CAP_DISPLAY_CONFIG, owner)


def make(options: OwnerOptions) -> DisplayHandler:
    """Return the handler for one VM."""
    return DisplayHandler(options.owner)
