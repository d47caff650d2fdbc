"""
What a hub asks of a filter, and the no-op answers to start one from.

:class:`vdproxy.interfaces.IMessageFilter` is the contract and says what each
method means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from vdproxy.hub.peer import Peer
from vdproxy.hub.verdicts import Answer, Direction
from vdproxy.hub.vm import VM
from vdproxy.wire.messages import Message


class Filter:
    """A filter that lets everything pass, to be built upon."""

    def start(self, vm: VM) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""

    def incoming(self, peer: Peer, message: Message) -> Answer:
        """Let it pass."""
        return None

    def outgoing(self, peer: Peer, message: Message) -> Answer:
        """Let it pass."""
        return None


@dataclass(frozen=True)
class Decision:
    """
    What has become of a message.

    ``peer`` has sent it (``direction`` in) or is to get it (out), then on behalf
    of ``source`` where that is known. ``message`` is as it goes on, or, where it does
    not, as it came: an ``Unknown`` where it could not be read. ``outcome`` is

    * ``passed``: all filters let it through, perhaps in another form;
    * ``dropped``: ``filter`` refused it for ``reason``; ``filter`` is empty where
      vdproxy itself did, because it could not be read or was too large;
    * ``answered``: it is sent on account of such a drop and asked no filter.
    """

    direction: Direction
    peer: Peer
    message: Message
    outcome: Literal["passed", "dropped", "answered"]
    source: Peer | None = None
    filter: str = ""
    reason: str = ""


@runtime_checkable
class Auditor(Protocol):
    """What is told of decisions: an IAuditFilter."""

    def decided(self, decision: Decision) -> None: ...
