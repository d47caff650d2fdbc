"""Sets of capability bits, and what two ends of a link agree on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vdproxy.wire.constants import Capability

_WORD = 32
_NAMES = {
    int(capability): capability.name
    for capability in Capability
    if capability != Capability.VD_AGENT_END_CAP
}


@dataclass(frozen=True, slots=True)
class Capabilities:
    """
    A set of capability numbers, of any size.

    Numbers that vdproxy does not know are members like any other.
    """

    bits: int = 0

    @classmethod
    def of(cls, *numbers: int) -> Capabilities:
        """Return the set of these capability numbers."""
        bits = 0
        for number in numbers:
            bits |= 1 << number
        return cls(bits)

    @classmethod
    def from_words(cls, words: Iterable[int]) -> Capabilities:
        """Return the set that an announcement's 32-bit words spell."""
        bits = 0
        for index, word in enumerate(words):
            bits |= word << (_WORD * index)
        return cls(bits)

    def to_words(self) -> tuple[int, ...]:
        """Return the 32-bit words of an announcement: at least one."""
        count = max(1, -(-self.bits.bit_length() // _WORD))
        return tuple((self.bits >> (_WORD * i)) & 0xFFFFFFFF for i in range(count))

    def names(self) -> list[str]:
        """Return the members' names in the SPICE header, or their numbers."""
        return [_NAMES.get(number, str(number)) for number in self]

    def __contains__(self, number: int) -> bool:
        return bool(self.bits >> number & 1)

    def __iter__(self) -> Iterator[int]:
        return (number for number in range(self.bits.bit_length()) if number in self)

    def __bool__(self) -> bool:
        return bool(self.bits)

    def __or__(self, other: Capabilities) -> Capabilities:
        return Capabilities(self.bits | other.bits)

    def __and__(self, other: Capabilities) -> Capabilities:
        return Capabilities(self.bits & other.bits)

    def __sub__(self, other: Capabilities) -> Capabilities:
        return Capabilities(self.bits & ~other.bits)


#: The one capability that says what does *not* work.
FILES_DISABLED = Capabilities.of(Capability.VD_AGENT_CAP_FILE_XFER_DISABLED)


@dataclass(frozen=True, slots=True)
class Layout:
    """
    How messages look on one link: the capabilities both its ends announced.

    Every peer encodes and decodes by what the *other* end announced, so an
    optional field is there for certain only if both announced its bit.
    """

    both: Capabilities = Capabilities()

    @classmethod
    def between(cls, ours: Capabilities | None, theirs: Capabilities | None) -> Layout:
        """Return the layout of a link whose ends announced these, or nothing."""
        if ours is None or theirs is None:
            return cls()
        return cls(ours & theirs)

    def agreed(self, number: int) -> bool:
        """Tell whether both ends announced the capability *number*."""
        return bool(self.both.bits >> number & 1)
