"""
What a plugin imports: the one module whose names are promised to plugin authors.

A handler is a class ``@implementer(IMessageHandler)`` derived from ``Handler``, a
filter one ``@implementer(IMessageFilter)`` (or ``IAuditFilter``) derived from
``Filter``. The file ``twisted/plugins/vdproxy_DISTRIBUTION.py`` declares it with a
``HandlerMaker`` or a ``FilterMaker`` from :mod:`vdproxy.makers`, which costs less to
import in every twistd. A frontend is an ``IFrontend`` whose protocols ``Hub.attach``
their transports, with a ``FrontendMaker``.
"""

from vdproxy.errors import LocalProtocolError, Refused, RemoteProtocolError
from vdproxy.hub.client import Client
from vdproxy.hub.filter import Decision, Filter
from vdproxy.hub.guest import Guest
from vdproxy.hub.handler import Handler
from vdproxy.hub.hub import Hub
from vdproxy.hub.line import Sending
from vdproxy.hub.log import VMLog
from vdproxy.hub.peer import Incoming, Peer
from vdproxy.hub.transport import Transport
from vdproxy.hub.verdicts import Answer, Direction, Drop, Replace, Verdict
from vdproxy.hub.vm import VM
from vdproxy.interfaces import (
    IAuditFilter,
    ICapabilitiesHandler,
    IFrontend,
    IMessageFilter,
    IMessageHandler,
)
from vdproxy.makers import NoOptions
from vdproxy.options import Size, option
from vdproxy.wire.capabilities import FILES_DISABLED, Capabilities, Layout
from vdproxy.wire.constants import (
    Capability,
    ClipboardType,
    DisplayConfigFlags,
    FileXferStatusErrorType,
    FileXferStatusResult,
    MessageType,
    MonitorsConfigFlags,
    MouseButtons,
    ReplyError,
    Selection,
    message_name,
)
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    AudioVolumeSync,
    ClientDisconnected,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    DeviceDisplayInfo,
    DisplayConfig,
    FileXferData,
    FileXferStart,
    FileXferStatus,
    GraphicsDeviceInfo,
    MaxClipboard,
    Message,
    MonConfig,
    MonitorsConfig,
    MouseState,
    Reply,
    Unknown,
)

__all__ = [
    "FILES_DISABLED",
    "VM",
    "AnnounceCapabilities",
    "Answer",
    "AudioVolumeSync",
    "Capabilities",
    "Capability",
    "Client",
    "ClientDisconnected",
    "Clipboard",
    "ClipboardGrab",
    "ClipboardRelease",
    "ClipboardRequest",
    "ClipboardType",
    "Decision",
    "DeviceDisplayInfo",
    "Direction",
    "DisplayConfig",
    "DisplayConfigFlags",
    "Drop",
    "FileXferData",
    "FileXferStart",
    "FileXferStatus",
    "FileXferStatusErrorType",
    "FileXferStatusResult",
    "Filter",
    "GraphicsDeviceInfo",
    "Guest",
    "Handler",
    "Hub",
    "IAuditFilter",
    "ICapabilitiesHandler",
    "IFrontend",
    "IMessageFilter",
    "IMessageHandler",
    "Incoming",
    "Layout",
    "LocalProtocolError",
    "MaxClipboard",
    "Message",
    "MessageType",
    "MonConfig",
    "MonitorsConfig",
    "MonitorsConfigFlags",
    "MouseButtons",
    "MouseState",
    "NoOptions",
    "Peer",
    "Refused",
    "RemoteProtocolError",
    "Replace",
    "Reply",
    "ReplyError",
    "Selection",
    "Sending",
    "Size",
    "Transport",
    "Unknown",
    "VMLog",
    "Verdict",
    "message_name",
    "option",
]
