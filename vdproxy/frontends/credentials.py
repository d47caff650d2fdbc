"""Who is at the other end of a Unix socket."""

from __future__ import annotations

import socket
import struct

_UCRED = struct.Struct("=iII")


def peer_uid(transport: object) -> int | None:
    """
    Return the user id of the process that connected, None if it is not known.

    The kernel recorded it when that process connected (SO_PEERCRED). Its
    process id is left alone: another process may bear it by now.
    """
    handle = getattr(transport, "getHandle", lambda: None)()
    if not isinstance(handle, socket.socket) or handle.family != socket.AF_UNIX:
        return None
    credentials = handle.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    uid: int = _UCRED.unpack(credentials)[1]
    return uid
