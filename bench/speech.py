"""What guests and clients say in all benchmarks, spelled before anything is timed."""

from __future__ import annotations

import socket
import struct
import time
from pathlib import Path

from tests.peers.rawclient import RawClient
from vdproxy.wire.assembly import MESSAGE_HEADER
from vdproxy.wire.capabilities import Capabilities, Layout
from vdproxy.wire.chunk import CHUNK_HEADER, CutMessage
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import (
    VD_AGENT_PROTOCOL,
    Capability,
    ClipboardType,
    Port,
    Selection,
)
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRequest,
    Message,
    MouseState,
)

#: What both ends announce: what spice-vdagentd does, as far as it matters here.
CAPABILITIES = Capabilities.of(
    Capability.VD_AGENT_CAP_MOUSE_STATE,
    Capability.VD_AGENT_CAP_MONITORS_CONFIG,
    Capability.VD_AGENT_CAP_REPLY,
    Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND,
    Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION,
    Capability.VD_AGENT_CAP_CLIPBOARD_NO_RELEASE_ON_REGRAB,
    Capability.VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL,
)
_LAYOUT = Layout.between(CAPABILITIES, CAPABILITIES)
_CODEC = Codec()

_TEXT = ClipboardType.VD_AGENT_CLIPBOARD_UTF8_TEXT
_SELECTION = Selection.VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD

#: Seconds that a peer may take for what it is asked.
PATIENCE = 60.0

#: Seconds between two tries to connect to what is about to listen.
_SOON = 0.001


def by_guest(message: Message) -> bytes:
    """Return a message as spice-vdagentd sends it: in one chunk, of any size."""
    payload = _CODEC.encode(message, _LAYOUT)
    head = MESSAGE_HEADER.pack(VD_AGENT_PROTOCOL, message.number, 0, len(payload))
    chunk = CHUNK_HEADER.pack(Port.VDP_CLIENT_PORT, len(head) + len(payload))
    return b"".join([chunk, head, payload])


def by_host(message: Message) -> bytes:
    """Return a message as clients and vdproxy send it: in chunks of 2,048 bytes."""
    return b"".join(CutMessage(message.number, _CODEC.encode(message, _LAYOUT)))


def copied(size: int) -> Clipboard:
    """Return what answers a REQUEST: so many bytes, no two blocks of them alike."""
    words = (struct.pack("<Q", number) for number in range(size // 8 + 1))
    return Clipboard(_SELECTION, _TEXT, b"".join(words)[:size])


REQUEST = by_host(ClipboardRequest(_SELECTION, _TEXT))
GRAB = by_guest(ClipboardGrab(_SELECTION, (_TEXT,), serial=0))
NOTHING = by_host(Clipboard(_SELECTION, _TEXT, b""))

#: Where the serial stands in a GRAB, from its end.
_SERIAL = -8


def grab_anew(speech: bytearray, serial: int) -> None:
    """Give the GRAB at the end of *speech* its serial."""
    struct.pack_into("<I", speech, len(speech) + _SERIAL, serial)


def grabs(serial: int, count: int) -> bytes:
    """Return so many GRABs in a row, the first with *serial*."""
    grab = bytearray(GRAB)
    speech = bytearray()
    for number in range(serial, serial + count):
        grab_anew(grab, number)
        speech += grab
    return bytes(speech)


def mouse(count: int) -> bytes:
    """Return so many states of a mouse in a row, each a press or a release."""
    states = (MouseState(n, n >> 8, 2 * (n % 2), 0) for n in range(count))
    return b"".join(map(by_host, states))


def read(connection: socket.socket, size: int, buffer: bytearray) -> None:
    """
    Read so many bytes, which pass through *buffer* and are forgotten.

    :raises EOFError: the other end has closed before that.
    """
    with memoryview(buffer) as view:
        while size:
            got = connection.recv_into(view[: min(size, len(view))])
            if not got:
                raise EOFError(f"closed with {size} bytes to come")
            size -= got


def read_all(connection: socket.socket, buffer: bytearray) -> None:
    """Fill *buffer*; raises what ``read`` raises."""
    with memoryview(buffer) as view:
        have = 0
        while have < len(buffer):
            got = connection.recv_into(view[have:])
            if not got:
                raise EOFError(f"closed with {len(buffer) - have} bytes to come")
            have += got


def reach(path: Path) -> socket.socket:
    """
    Connect to who listens at *path*, or is about to: there is a socket before that.

    :raises OSError: nobody does in time.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(_SOON)
        else:
            return connection


def connect(path: Path) -> tuple[socket.socket, RawClient]:
    """
    Return a new client's connection, and what understands it.

    It has made the agent's acquaintance: what comes next is up to the guest.
    """
    connection = reach(path)
    client = RawClient(connection)
    client.announce(1, CAPABILITIES)
    while client.expect(AnnounceCapabilities, PATIENCE).request:
        client.announce(0, CAPABILITIES)
    connection.settimeout(PATIENCE)
    return connection, client
