"""
One frozen dataclass for each message type of the protocol.

Fields bear their names in ``spice/vd_agent.h``; counts and sizes that follow
from the other fields have none.
"""

from vdproxy.wire.messages.base import Message, Unknown
from vdproxy.wire.messages.clipboard import (
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    MaxClipboard,
)
from vdproxy.wire.messages.devices import (
    AudioVolumeSync,
    DeviceDisplayInfo,
    DisplayConfig,
    GraphicsDeviceInfo,
    MonConfig,
    MonitorsConfig,
    MouseState,
)
from vdproxy.wire.messages.file_xfer import (
    FileXferData,
    FileXferStart,
    FileXferStatus,
)
from vdproxy.wire.messages.negotiation import (
    AnnounceCapabilities,
    ClientDisconnected,
    Reply,
)

#: Every message type of spice-protocol 0.14.3.
STANDARD: tuple[type[Message], ...] = (
    MouseState,
    MonitorsConfig,
    Reply,
    Clipboard,
    DisplayConfig,
    AnnounceCapabilities,
    ClipboardGrab,
    ClipboardRequest,
    ClipboardRelease,
    FileXferStart,
    FileXferStatus,
    FileXferData,
    ClientDisconnected,
    MaxClipboard,
    AudioVolumeSync,
    GraphicsDeviceInfo,
)

__all__ = [
    "STANDARD",
    "AnnounceCapabilities",
    "AudioVolumeSync",
    "ClientDisconnected",
    "Clipboard",
    "ClipboardGrab",
    "ClipboardRelease",
    "ClipboardRequest",
    "DeviceDisplayInfo",
    "DisplayConfig",
    "FileXferData",
    "FileXferStart",
    "FileXferStatus",
    "GraphicsDeviceInfo",
    "MaxClipboard",
    "Message",
    "MonConfig",
    "MonitorsConfig",
    "MouseState",
    "Reply",
    "Unknown",
]
