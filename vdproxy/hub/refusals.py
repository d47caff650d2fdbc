"""What is answered in place of a handler that is not there."""

from __future__ import annotations

from vdproxy.hub.client import Client
from vdproxy.hub.peer import Peer
from vdproxy.wire.constants import (
    Capability,
    ClipboardType,
    FileXferStatusResult,
    ReplyError,
    Selection,
)
from vdproxy.wire.messages import (
    Clipboard,
    ClipboardRequest,
    DisplayConfig,
    FileXferStart,
    FileXferStatus,
    Message,
    MonitorsConfig,
    Reply,
)


def refusal(peer: Peer, message: Message) -> Message | None:
    """
    Return what *peer* is told that sent *message*, of which nobody takes care.

    None if it waits for nothing.
    """
    if isinstance(message, ClipboardRequest):
        return _nothing(peer, message.selection)
    if not isinstance(peer, Client):
        return None
    if isinstance(message, FileXferStart):
        result = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_ERROR
        if peer.can(Capability.VD_AGENT_CAP_FILE_XFER_DETAILED_ERRORS):
            result = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_DISABLED
        return FileXferStatus(message.id, result)
    if isinstance(message, (MonitorsConfig, DisplayConfig)):
        return Reply(message.number, ReplyError.VD_AGENT_ERROR)
    return None


def without_content(peer: Peer, message: Message) -> Message | None:
    """
    Return what *peer* is told in place of *message*, which has an owner no more.

    None if it does not wait for it.
    """
    match message:
        case Clipboard(selection=selection):
            return _nothing(peer, selection)
        case FileXferStatus(id=id):
            return FileXferStatus(
                id, FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_ERROR
            )
        case Reply(type=type):
            return Reply(type, ReplyError.VD_AGENT_ERROR)
    return None


def _nothing(peer: Peer, selection: int) -> Clipboard | None:
    """Return that there is nothing to paste, if *peer* knows that selection."""
    if selection != Selection.VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD and (
        not peer.agreed(Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION)
    ):
        # It was asked before a new offer, which has other selections no more.
        return None
    return Clipboard(selection, ClipboardType.VD_AGENT_CLIPBOARD_NONE, b"")
