"""
Ownership: whose wish counts where the guest has room for one.

Two viewers that each ask for their own screen size would have the guest resized
for ever, so one of the clients decides, and the others are not forwarded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from vdproxy.api import Client, option

_FIRST = "first"
_LAST = "last"

#: What the configuration can call a client.
_NAME = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class OwnerOptions:
    """Options of a handler whose requests come from one client at a time."""

    owner: str = option(
        "whose wish counts: last (who asked last), first (who asked first and is "
        "still there), or a client's name (who of this name asked last)",
        _LAST,
    )

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.owner):
            raise ValueError(
                f"owner: {self.owner!r} is not first, last or a client's name, which "
                "has letters, digits, dots, dashes and underscores"
            )


class Ownership:
    """Follows who has asked, and knows the owner by the option ``owner``."""

    def __init__(self, rule: str) -> None:
        self._rule = rule
        self._askers: dict[Client, None] = {}

    @property
    def owner(self) -> Client | None:
        """The client whose wish counts, None before anybody's does."""
        first = self._rule == _FIRST
        return next(iter(self._askers) if first else reversed(self._askers), None)

    def asked(self, client: Client) -> bool:
        """Take note that *client* asks; tell whether it is the owner now."""
        if self._rule != _FIRST:
            self._askers.pop(client, None)
        if self._rule in (_FIRST, _LAST, client.name):
            self._askers.setdefault(client)
        return client is self.owner

    def left(self, client: Client) -> None:
        """Forget a client."""
        self._askers.pop(client, None)
