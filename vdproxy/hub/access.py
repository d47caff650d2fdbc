"""Which users may be clients of a VM."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Access:
    """
    The options ``allow-users`` and ``allow-groups`` of one VM, as numbers.

    Without any everybody is allowed whom the socket lets in. Otherwise one of them
    must fit, root's included, and a client whose user is not known is refused.
    """

    uids: frozenset[int] = frozenset()
    gids: frozenset[int] = frozenset()

    @property
    def limited(self) -> bool:
        """Whether not everybody is allowed."""
        return bool(self.uids or self.gids)

    def allows(self, uid: int | None, gids: frozenset[int]) -> bool:
        """Tell whether a process of the user *uid* in the groups *gids* is allowed."""
        return not self.limited or uid in self.uids or not self.gids.isdisjoint(gids)
