"""What a hostile peer sends, and exactly what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.hostile.stages import nothing
from vdproxy.testing import ModelPeer
from vdproxy.wire.messages import ClipboardGrab, Message

KEPT, CLOSED, OUT_OF_STEP = "kept", "closed", "out of step"


@dataclass(frozen=True)
class Verdict:
    """
    What comes of a case from one direction.

    ``fate`` is the sender's: it is kept, its connection is closed, or it is a guest
    that has to announce itself again. ``lines`` are all that is logged, whole but for
    the VM; in them ``{at}`` is the offset in the stream of the byte ``at`` of the case.
    ``told`` is what each of agent, first and other hears, in their order; ``then`` is
    what the others do about it.
    """

    fate: str
    lines: tuple[str, ...] = ()
    at: int = 0
    told: dict[str, Sequence[Message]] = field(default_factory=dict)
    then: Callable[[Any], None] = lambda room: None

    def lines_at(self, start: int) -> list[str]:
        """Return the lines for a case that begins at *start* in its stream."""
        return [line.replace("{at}", str(start + self.at)) for line in self.lines]


@dataclass(frozen=True)
class Case:
    """
    A case by its name: ``data`` are the bytes, or make them for who is to send them.

    The guest's agent, the first client and another one are at ``stage`` before. The
    first is the hostile one in ``client``, the agent is in ``guest``; None means that
    the case says nothing from there.
    """

    name: str
    data: bytes | Callable[[Any], bytes]
    client: Verdict | None = None
    guest: Verdict | None = None
    stage: Callable[[Any], None] = nothing

    def __str__(self) -> str:
        return self.name

    def bytes_of(self, peer: ModelPeer) -> bytes:
        return self.data if isinstance(self.data, bytes) else self.data(peer)


def kept(*lines: str, **told: Sequence[Message]) -> Verdict:
    return Verdict(KEPT, lines, told=told)


def closed(reason: str, at: int, **told: Sequence[Message]) -> Verdict:
    line = f"client vdi#1 disconnected: {reason}, at byte {{at}}"
    return Verdict(CLOSED, (line,), at, told)


def out_of_step(reason: str, at: int, **told: Sequence[Message]) -> Verdict:
    line = f"the guest's agent is lost: {reason}, at byte {{at}}"
    return Verdict(OUT_OF_STEP, (line,), at, told)


def broken(
    name: str, data: bytes, reason: str, at: int, guest_reason: str = ""
) -> Case:
    """Return a case of framing that is none, whoever sends it."""
    guest = out_of_step(guest_reason or reason, at)
    return Case(name, data, closed(reason, at), guest)


def bad(kind: str, reason: str, **told: Sequence[Message]) -> Verdict:
    """Return the verdict on a client's bad payload in good framing."""
    return kept(f"client vdi#1 sent a bad VD_AGENT_{kind}: {reason}", **told)


def guests_bad(kind: str, reason: str, **told: Sequence[Message]) -> Verdict:
    """Return the verdict on a guest's bad payload in good framing."""
    return kept(f"guest sent a bad VD_AGENT_{kind}: {reason}", **told)


def grabs(*types: int) -> list[Message]:
    """Return what is heard of a GRAB of CLIPBOARD."""
    return [ClipboardGrab(0, types)]
