"""Grabs and the data behind them, which tell whose they are wherever they get."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NONE, TEXT, PNG, FILE_LIST = 0, 1, 2, 6

#: Types from here on are no data types: each names one grab, and nobody minds.
TAG = 0x1000

#: Types that a GRAB may have, and those that a REQUEST may be for.
TYPE_LISTS = ((TEXT,), (TEXT, PNG), (PNG,), (TEXT, FILE_LIST), (FILE_LIST,), ())
ASKED_TYPES = (TEXT, TEXT, PNG, FILE_LIST)


@dataclass(eq=False)
class Grab:
    """What a model peer has copied; later ones have higher numbers."""

    number: int
    owner: Any
    selection: int
    types: tuple[int, ...]
    #: Whether another took the selection without its owner being told: there is
    #: no message for that where the owner may not paste what the other has.
    superseded: bool = False

    @property
    def offered(self) -> tuple[int, ...]:
        """The types that others are to be told of."""
        return tuple(t for t in self.types if t not in (NONE, FILE_LIST))

    def __repr__(self) -> str:
        return f"grab {self.number} of {self.owner} ({self.selection}: {self.types})"


@dataclass(eq=False)
class Asked:
    """A REQUEST of the hub that the owner of a selection has not answered."""

    type: int
    time: float
    grab: Grab | None


@dataclass(frozen=True)
class Content:
    """
    Clipboard data: of which grab, in which type.

    ``late`` if they come when the hub may have given up on them, which then takes
    them for an answer to its next question.
    """

    grab: int
    type: int
    late: bool

    def spell(self, size: int) -> bytes:
        return f"{self.grab}:{self.type}:{int(self.late)}:".encode().ljust(size, b".")

    @classmethod
    def read(cls, data: bytes) -> Content:
        grab, kind, late, _ = bytes(data[:40]).split(b":")
        return cls(int(grab), int(kind), late == b"1")


@dataclass
class Heard:
    """What a peer has heard and said of one selection on its link."""

    #: What the peer takes the selection for: its own, another's, or nobody's.
    view: Grab | None = None
    #: The last that the hub said.
    told: Grab | None = None
    #: Whether GRABs crossed on a link without serials: nobody knows who has won.
    ambiguous: bool = False
    asked: list[Asked] = field(default_factory=list)
