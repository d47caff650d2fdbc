"""What an audit line says: which decisions are worth one, and its fields."""

from __future__ import annotations

from vdproxy.api import (
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    Decision,
    FileXferData,
    FileXferStart,
    Guest,
    Message,
    MessageType,
    Peer,
    Unknown,
    message_name,
)
from vdproxy.filters.names import SELECTION_NAMES, TYPE_NAMES


def event_of(decision: Decision) -> str | None:
    """Return what a line is to call *decision*, None if it is not worth one."""
    if decision.outcome == "dropped":
        return "refusal"
    if decision.direction == "in":
        return None
    # By number: a handler may bring a class of its own for a type.
    message = decision.message
    if message.number == MessageType.VD_AGENT_CLIPBOARD:
        return None if _is_nothing(message) else "clipboard"
    if message.number == MessageType.VD_AGENT_FILE_XFER_START:
        return "file"
    return None


def fields_of(decision: Decision, guest: Guest) -> dict[str, object]:
    """Return the fields of a line about *decision*, all of them."""
    source, target = _ends(decision)
    client = client_of(decision, guest)
    return {
        "direction": _direction(source, target, guest),
        **_who("source", source),
        **_who("target", target),
        "client": client and client.label,
        "message": message_name(decision.message.number),
        "type": None,
        "selection": None,
        "size": None,
        **_what(decision.message),
        "verdict": "refused" if decision.outcome == "dropped" else decision.outcome,
        "filter": decision.filter or None,
        "reason": decision.reason or None,
    }


def client_of(decision: Decision, guest: Guest) -> Peer | None:
    """Return the client that a decision is about, None if it is about none."""
    source, target = _ends(decision)
    client = target if source in (None, guest) else source
    return None if client is guest else client


def _is_nothing(message: Message) -> bool:
    return isinstance(message, Clipboard) and not message.data


def _ends(decision: Decision) -> tuple[Peer | None, Peer | None]:
    if decision.direction == "in":
        return decision.peer, None
    return decision.source, decision.peer


def _direction(source: Peer | None, target: Peer | None, guest: Guest) -> str:
    if target is guest:
        return "to-guest"
    if source is guest:
        return "from-guest"
    if source is None:
        return "to-client"
    return "from-client" if target is None else "between-clients"


def _who(end: str, peer: Peer | None) -> dict[str, object]:
    return {
        end: peer and peer.label,
        f"{end}_frontend": (peer and peer.frontend) or None,
        f"{end}_uid": peer and peer.uid,
    }


def _what(message: Message) -> dict[str, object]:
    match message:
        case Clipboard():
            return _clipboard(message.selection, message.type) | {
                "size": len(message.data)
            }
        case ClipboardRequest():
            return _clipboard(message.selection, message.type)
        case ClipboardGrab():
            return _clipboard(message.selection, *message.types)
        case ClipboardRelease():
            return _clipboard(message.selection)
        case FileXferStart():
            return {"size": message.size}
        case FileXferData():
            return {"size": len(message.data)}
        case Unknown() if message.payload:
            return {"size": len(message.payload)}
    return {}


def _clipboard(selection: int, *types: int) -> dict[str, object]:
    return {
        "type": ",".join(TYPE_NAMES.get(type, str(type)) for type in types) or None,
        "selection": SELECTION_NAMES.get(selection, str(selection)),
    }
