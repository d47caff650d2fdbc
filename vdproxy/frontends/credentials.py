"""Who is at the other end of a Unix socket."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

_UCRED = struct.Struct("=iII")

#: From <asm-generic/socket.h>; Python does not name it.
_SO_PEERGROUPS = 59

#: Bytes, the most that Python asks for: 256 groups.
_MAX_GROUPS = 1024


class Credentials(NamedTuple):
    """The user id of a process, and the ids of all its groups."""

    uid: int
    gids: frozenset[int]


def peer_credentials(transport: object) -> Credentials | None:
    """
    Return who the process is that connected, None if it is not known.

    The kernel recorded it when that process connected (SO_PEERCRED). Its
    process id is left alone: another process may bear it by now.
    """
    handle = getattr(transport, "getHandle", lambda: None)()
    if not isinstance(handle, socket.socket) or handle.family != socket.AF_UNIX:
        return None
    recorded = handle.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    _, uid, gid = _UCRED.unpack(recorded)
    return Credentials(uid, frozenset((gid, *_groups(handle))))


def _groups(handle: socket.socket) -> tuple[int, ...]:
    """Return the supplementary groups, none where there are too many to tell."""
    try:
        groups = handle.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _MAX_GROUPS)
    except OSError:
        return ()
    gids: tuple[int, ...] = struct.unpack(f"={len(groups) // 4}I", groups)
    return gids
