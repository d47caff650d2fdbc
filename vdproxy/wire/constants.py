"""
The numbers of the vdagent protocol, under their names in ``spice/vd_agent.h``
(spice-protocol 0.14.3), and the limits vdproxy puts on what peers send.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

VD_AGENT_PROTOCOL = 1

#: Largest ``VDIChunkHeader.size`` a host may send, bytes. spice-vdagentd closes
#: the port on a larger one and the Windows agent stops.
VD_AGENT_MAX_DATA_SIZE = 2048


class Port(IntEnum):
    """``VDIChunkHeader.port``: whose conversation a chunk belongs to."""

    VDP_CLIENT_PORT = 1
    VDP_SERVER_PORT = 2
    VDP_END_PORT = 3


class MessageType(IntEnum):
    """``VDAgentMessage.type``."""

    VD_AGENT_MOUSE_STATE = 1
    VD_AGENT_MONITORS_CONFIG = 2
    VD_AGENT_REPLY = 3
    VD_AGENT_CLIPBOARD = 4
    VD_AGENT_DISPLAY_CONFIG = 5
    VD_AGENT_ANNOUNCE_CAPABILITIES = 6
    VD_AGENT_CLIPBOARD_GRAB = 7
    VD_AGENT_CLIPBOARD_REQUEST = 8
    VD_AGENT_CLIPBOARD_RELEASE = 9
    VD_AGENT_FILE_XFER_START = 10
    VD_AGENT_FILE_XFER_STATUS = 11
    VD_AGENT_FILE_XFER_DATA = 12
    VD_AGENT_CLIENT_DISCONNECTED = 13
    VD_AGENT_MAX_CLIPBOARD = 14
    VD_AGENT_AUDIO_VOLUME_SYNC = 15
    VD_AGENT_GRAPHICS_DEVICE_INFO = 16
    VD_AGENT_END_MESSAGE = 17


_MESSAGE_NAMES = {
    int(number): number.name
    for number in MessageType
    if number != MessageType.VD_AGENT_END_MESSAGE
}


def message_name(number: int) -> str:
    """Return the name of a message type in the SPICE header, or ``type N``."""
    return _MESSAGE_NAMES.get(number, f"type {number}")


class Capability(IntEnum):
    """Bit numbers in ``VDAgentAnnounceCapabilities.caps``."""

    VD_AGENT_CAP_MOUSE_STATE = 0
    VD_AGENT_CAP_MONITORS_CONFIG = 1
    VD_AGENT_CAP_REPLY = 2
    VD_AGENT_CAP_CLIPBOARD = 3
    VD_AGENT_CAP_DISPLAY_CONFIG = 4
    VD_AGENT_CAP_CLIPBOARD_BY_DEMAND = 5
    VD_AGENT_CAP_CLIPBOARD_SELECTION = 6
    VD_AGENT_CAP_SPARSE_MONITORS_CONFIG = 7
    VD_AGENT_CAP_GUEST_LINEEND_LF = 8
    VD_AGENT_CAP_GUEST_LINEEND_CRLF = 9
    VD_AGENT_CAP_MAX_CLIPBOARD = 10
    VD_AGENT_CAP_AUDIO_VOLUME_SYNC = 11
    VD_AGENT_CAP_MONITORS_CONFIG_POSITION = 12
    VD_AGENT_CAP_FILE_XFER_DISABLED = 13
    VD_AGENT_CAP_FILE_XFER_DETAILED_ERRORS = 14
    VD_AGENT_CAP_GRAPHICS_DEVICE_INFO = 15
    VD_AGENT_CAP_CLIPBOARD_NO_RELEASE_ON_REGRAB = 16
    VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL = 17
    VD_AGENT_END_CAP = 18


class ReplyError(IntEnum):
    """``VDAgentReply.error``."""

    VD_AGENT_SUCCESS = 1
    VD_AGENT_ERROR = 2


class ClipboardType(IntEnum):
    """What clipboard data is."""

    VD_AGENT_CLIPBOARD_NONE = 0
    VD_AGENT_CLIPBOARD_UTF8_TEXT = 1
    VD_AGENT_CLIPBOARD_IMAGE_PNG = 2
    VD_AGENT_CLIPBOARD_IMAGE_BMP = 3
    VD_AGENT_CLIPBOARD_IMAGE_TIFF = 4
    VD_AGENT_CLIPBOARD_IMAGE_JPG = 5
    VD_AGENT_CLIPBOARD_FILE_LIST = 6


class Selection(IntEnum):
    """Which X selection a clipboard message is about."""

    VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD = 0
    VD_AGENT_CLIPBOARD_SELECTION_PRIMARY = 1
    VD_AGENT_CLIPBOARD_SELECTION_SECONDARY = 2


class FileXferStatusResult(IntEnum):
    """``VDAgentFileXferStatusMessage.result``."""

    VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA = 0
    VD_AGENT_FILE_XFER_STATUS_CANCELLED = 1
    VD_AGENT_FILE_XFER_STATUS_ERROR = 2
    VD_AGENT_FILE_XFER_STATUS_SUCCESS = 3
    VD_AGENT_FILE_XFER_STATUS_NOT_ENOUGH_SPACE = 4
    VD_AGENT_FILE_XFER_STATUS_SESSION_LOCKED = 5
    VD_AGENT_FILE_XFER_STATUS_VDAGENT_NOT_CONNECTED = 6
    VD_AGENT_FILE_XFER_STATUS_DISABLED = 7


class FileXferStatusErrorType(IntEnum):
    """``VDAgentFileXferStatusError.error_type``."""

    VD_AGENT_FILE_XFER_STATUS_ERROR_GLIB_IO = 0


class MonitorsConfigFlags(IntFlag):
    """``VDAgentMonitorsConfig.flags``."""

    VD_AGENT_CONFIG_MONITORS_FLAG_USE_POS = 1 << 0
    VD_AGENT_CONFIG_MONITORS_FLAG_PHYSICAL_SIZE = 1 << 1


class DisplayConfigFlags(IntFlag):
    """``VDAgentDisplayConfig.flags``."""

    VD_AGENT_DISPLAY_CONFIG_FLAG_DISABLE_WALLPAPER = 1 << 0
    VD_AGENT_DISPLAY_CONFIG_FLAG_DISABLE_FONT_SMOOTH = 1 << 1
    VD_AGENT_DISPLAY_CONFIG_FLAG_DISABLE_ANIMATION = 1 << 2
    VD_AGENT_DISPLAY_CONFIG_FLAG_SET_COLOR_DEPTH = 1 << 3


class MouseButtons(IntFlag):
    """``VDAgentMouseState.buttons``."""

    VD_AGENT_LBUTTON_MASK = 1 << 1
    VD_AGENT_MBUTTON_MASK = 1 << 2
    VD_AGENT_RBUTTON_MASK = 1 << 3
    VD_AGENT_UBUTTON_MASK = 1 << 4
    VD_AGENT_DBUTTON_MASK = 1 << 5
    VD_AGENT_SBUTTON_MASK = 1 << 6
    VD_AGENT_EBUTTON_MASK = 1 << 7


# Limits, bytes unless said. Each is checked on the header field that states the
# size, before memory is taken.

#: Default of the option ``max-message``: the data of one message. spice-gtk's
#: own clipboard limit, so that whatever it will send fits.
DEFAULT_MAX_MESSAGE = 100 * 1024 * 1024

#: Payload of a type that vdproxy has no class for. Nothing known is near it.
MAX_UNKNOWN = 1024 * 1024

#: Largest message a guest's header may state and be skipped for being over
#: ``max-message``. spice-vdagentd counts sizes in a signed 32-bit int, so a
#: larger one is not an agent's header.
MAX_SKIPPED = 2**31 - 1

#: Words in an ANNOUNCE_CAPABILITIES. Peers send one today; eight leave room.
MAX_CAPABILITY_WORDS = 8

#: Types in a GRAB. Seven are defined and QEMU refuses more than ten.
MAX_GRAB_TYPES = 32

#: Monitors in a MONITORS_CONFIG: what the Linux session agent passes to randr.
MAX_MONITORS = 64

#: The key file of a FILE_XFER_START: a name of 255 bytes, two numbers and as
#: many keys as later versions may add.
MAX_FILE_XFER_START = 64 * 1024

#: Data of one FILE_XFER_DATA; spice-gtk and spice-html5 send 64 KiB.
MAX_FILE_XFER_DATA = 1024 * 1024

#: Detail behind a FILE_XFER_STATUS; the largest defined one has 8 bytes.
MAX_FILE_XFER_DETAIL = 64

#: Channels of an AUDIO_VOLUME_SYNC: its count is one byte.
MAX_VOLUME_CHANNELS = 255

#: Records of a GRAPHICS_DEVICE_INFO (the monitors of one guest), and the
#: device address of each, its NUL included (spice-server's is a PCI path).
MAX_DEVICE_RECORDS = 64
MAX_DEVICE_ADDRESS = 256
