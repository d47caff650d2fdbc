"""File transfers of model clients, whose data tell whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(eq=False)
class Transfer:
    """
    One START of a client; its ``number`` is the name of the file.

    It is ``open`` until its client knows of its end, and ``clear`` unless its
    client may have several of its id.
    """

    number: int
    client: Any
    id: int
    size: int
    open: bool = True
    clear: bool = True
    upstream: int | None = None
    received: int = 0

    def content(self, size: int) -> bytes:
        """Return bytes of this file; every 64 of them tell what file it is."""
        block = f"{self.client.name}:{self.id}:{self.number}:".encode().ljust(64, b"-")
        return (block * (size // 64 + 1))[:size]

    def check_content(self, data: bytes) -> None:
        """Check that these data are this transfer's."""
        name, id, number, _ = bytes(data[:40]).split(b":")
        assert name == self.client.name.encode(), f"{data[:40]!r} in a file of {self}"
        assert int(id) == self.id, f"{data[:40]!r} in a file of {self}"
        if self.clear:
            assert int(number) == self.number, f"{data[:40]!r} in a file of {self}"
