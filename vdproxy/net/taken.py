"""Whether the other end of a connection has taken what it was sent."""

from __future__ import annotations

import fcntl
import socket
import struct
from collections.abc import Callable
from termios import TIOCOUTQ
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

#: Seconds that the other end has, and between two looks at how far it is.
_PATIENCE = 3.0
_LOOK = 0.01


def when_taken(
    transport: object, queued: Callable[[], int], clock: IReactorTime
) -> Deferred[bool]:
    """
    Return a Deferred that tells whether all was taken, in 3 s at most.

    *queued* are the bytes that *transport* has not been given. Taken means read by
    the process at the other end of a Unix socket, and arrived at that of a TCP one.
    """
    taken: Deferred[bool] = Deferred()
    end = clock.seconds() + _PATIENCE

    def look() -> None:
        left = queued() > 0 or _is_writing(transport) or untaken(transport) > 0
        if left and clock.seconds() < end:
            clock.callLater(_LOOK, look)
        else:
            taken.callback(not left)

    look()
    return taken


def _is_writing(transport: object) -> bool:
    """Tell whether a transport has not given the kernel all that it was given."""
    reactor = getattr(transport, "reactor", None)
    return reactor is not None and transport in reactor.getWriters()


def untaken(transport: Any) -> int:  # noqa: ANN401 - any transport
    """
    Return what the kernel keeps until the other end has taken it, 0 for nothing.

    For a Unix socket it is the memory that it takes, more than its bytes.
    """
    try:
        handle = transport.getHandle()
    except AttributeError:
        # It has no socket, or has lost it.
        return 0
    if not isinstance(handle, socket.socket):
        return 0
    # SIOCOUTQ of <linux/sockios.h> is the same number.
    answer = fcntl.ioctl(handle, TIOCOUTQ, bytes(4))
    count: int = struct.unpack("=i", answer)[0]
    return count
