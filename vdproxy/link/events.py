"""What a link reports besides the messages themselves."""

from __future__ import annotations

from dataclasses import dataclass

from vdproxy.wire.capabilities import Capabilities


@dataclass(frozen=True, slots=True)
class AgentUp:
    """The handshake with a guest's agent is done: it can do this much."""

    capabilities: Capabilities


@dataclass(frozen=True, slots=True)
class AgentLost:
    """
    The agent we had a handshake with is gone, or out of step with us.

    ``replaced`` tells that another is known to have taken its place.
    """

    reason: str
    replaced: bool


@dataclass(frozen=True, slots=True)
class ClientReady:
    """
    Both ends of a client's link have announced what they can do.

    It comes again when a new announcement of ours has been answered: the client
    is to be told again what it knows.
    """


@dataclass(frozen=True, slots=True)
class ClientRenewed:
    """
    The link's client has begun anew: everything it had is void.

    A ClientReady follows.
    """


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message in good framing whose payload is not one of its type."""

    number: int
    payload: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Discarded:
    """A message the link keeps to itself, by the protocol's own rules."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message came in whole; reported where the link is asked for headers."""

    number: int
    size: int
