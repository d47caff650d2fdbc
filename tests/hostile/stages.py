"""What has gone on before a hostile peer sends its bytes."""

from __future__ import annotations

from typing import Any

from tests.hostile.room import CAN_SEND_DATA, TEXT
from vdproxy.wire.messages import (
    ClipboardGrab,
    ClipboardRequest,
    FileXferStart,
    FileXferStatus,
)

GRAB = ClipboardGrab(0, (TEXT,))
REQUEST = ClipboardRequest(0, TEXT)


def nothing(room: Any) -> None:
    """Nobody has said anything but who they are."""


def guest_owns(room: Any) -> None:
    room.agent.say(GRAB)
    room.first.hears(GRAB)
    room.other.hears(GRAB)


def first_owns(room: Any) -> None:
    room.first.say(GRAB)
    room.agent.hears(GRAB)
    room.other.hears(GRAB)


def first_owns_twice(room: Any) -> None:
    first_owns(room)
    first_owns(room)


def guest_owns_twice(room: Any) -> None:
    guest_owns(room)
    guest_owns(room)


def other_owns(room: Any) -> None:
    room.other.say(GRAB)
    room.agent.hears(GRAB)
    room.first.hears(GRAB)


def first_is_asked(room: Any) -> None:
    """The first client owns the clipboard, and the guest wants it."""
    first_owns(room)
    room.agent.say(REQUEST)
    room.first.hears(REQUEST)


def guest_is_asked(room: Any) -> None:
    """The guest owns the clipboard, and the other client wants it."""
    guest_owns(room)
    room.other.say(REQUEST)
    room.agent.hears(REQUEST)


def file_runs(room: Any) -> None:
    """The first client sends ten bytes as its transfer 9, the guest's 1."""
    room.first.say(FileXferStart(9, "a", 10))
    room.agent.hears(FileXferStart(1, "a", 10))
    room.agent.say(FileXferStatus(1, CAN_SEND_DATA))
    room.first.hears(FileXferStatus(9, CAN_SEND_DATA))


def others_file_runs(room: Any) -> None:
    """The other client sends ten bytes as its transfer 9, the guest's 1."""
    room.other.say(FileXferStart(9, "a", 10))
    room.agent.hears(FileXferStart(1, "a", 10))
    room.agent.say(FileXferStatus(1, CAN_SEND_DATA))
    room.other.hears(FileXferStatus(9, CAN_SEND_DATA))
