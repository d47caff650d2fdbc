"""What the guest and the clients say about selections, and who is given data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zope.interface import implementer

from vdproxy.api import (
    VM,
    Capabilities,
    Capability,
    Client,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    ClipboardType,
    Handler,
    IMessageHandler,
    MaxClipboard,
    Message,
    MessageType,
    Peer,
    Selection,
    Sending,
    Unknown,
    option,
)
from vdproxy.handlers.clipboard.grabs import GrabRates
from vdproxy.handlers.clipboard.requests import nothing, reaches
from vdproxy.handlers.clipboard.selection import SharedSelection

_SELECTIONS = {
    "clipboard": Selection.VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD,
    "primary": Selection.VD_AGENT_CLIPBOARD_SELECTION_PRIMARY,
    "secondary": Selection.VD_AGENT_CLIPBOARD_SELECTION_SECONDARY,
}
_CLIPBOARD = Selection.VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD
_NONE = ClipboardType.VD_AGENT_CLIPBOARD_NONE

#: The most that ``max-grabs`` may be: the time of each GRAB is kept for a second.
_MOST_GRABS = 100_000

#: VDAgentMaxClipboard.max is a signed number of 32 bits.
_MAX_MAX_CLIPBOARD = 2**31 - 1


@dataclass(frozen=True)
class ClipboardOptions:
    """Options of the clipboard handler."""

    selections: tuple[Literal["clipboard", "primary", "secondary"], ...] = option(
        "which selections are shared", ("clipboard",)
    )
    share_between_clients: bool = option(
        "whether a client may paste what another one copied", True
    )
    max_grabs: int = option(
        "GRABs of one peer in a second that count at once; then the newest does", 20
    )

    def __post_init__(self) -> None:
        if not 1 <= self.max_grabs <= _MOST_GRABS:
            raise ValueError(f"max-grabs: from 1 to {_MOST_GRABS} are possible")


@implementer(IMessageHandler)
class ClipboardHandler(Handler):
    """Keeps the shared selections, and each client's limit of what it wants."""

    messages = (
        Clipboard,
        ClipboardGrab,
        ClipboardRequest,
        ClipboardRelease,
        MaxClipboard,
    )
    relayed = Capabilities.of(
        Capability.VD_AGENT_CAP_GUEST_LINEEND_LF,
        Capability.VD_AGENT_CAP_GUEST_LINEEND_CRLF,
        Capability.VD_AGENT_CAP_MAX_CLIPBOARD,
    )
    provided = Capabilities.of(
        Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND,
        Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION,
        Capability.VD_AGENT_CAP_CLIPBOARD_NO_RELEASE_ON_REGRAB,
        Capability.VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL,
    )

    def __init__(self, options: ClipboardOptions) -> None:
        self._options = options
        self._selections: dict[int, SharedSelection] = {}
        self._max_clipboard: dict[Client, int] = {}

    def start(self, vm: VM) -> None:
        self._vm = vm
        rates = GrabRates(vm.clock, self._options.max_grabs)
        for name in self._options.selections:
            number = _SELECTIONS[name]
            self._selections[number] = SharedSelection(
                vm,
                number,
                rates,
                self._give,
                share_between_clients=self._options.share_between_clients,
            )

    def stop(self) -> None:
        for selection in self._selections.values():
            selection.end()

    def guest_up(self, capabilities: Capabilities) -> None:
        guest = self._vm.guest
        if guest.can(Capability.VD_AGENT_CAP_MAX_CLIPBOARD):
            guest.send(MaxClipboard(min(self._vm.max_message, _MAX_MAX_CLIPBOARD)))
        for selection in self._selections.values():
            selection.tell(guest)

    def guest_lost(self) -> None:
        for selection in self._selections.values():
            selection.lose(self._vm.guest)

    def client_ready(self, client: Client) -> None:
        for selection in self._selections.values():
            selection.tell(client)

    def client_left(self, client: Client) -> None:
        self._max_clipboard.pop(client, None)
        for selection in self._selections.values():
            selection.lose(client)

    def received(self, peer: Peer, message: Message) -> None:
        match message:
            case ClipboardGrab(selection=number, types=types):
                if number in self._selections:
                    self._selections[number].grab(peer, types)
            case ClipboardRequest(selection=number, type=kind):
                if number in self._selections:
                    self._selections[number].request(peer, kind)
                else:
                    self._give_none(peer, number)
            case Clipboard(selection=number, type=kind, data=data):
                if number in self._selections:
                    self._selections[number].answer(peer, kind, data)
            case ClipboardRelease(selection=number):
                if number in self._selections:
                    self._selections[number].release(peer)
            case MaxClipboard(max=limit) if isinstance(peer, Client):
                self._max_clipboard[peer] = limit

    def dropped(self, peer: Peer, message: Message, reason: str) -> None:
        named = _selection_of(peer, message)
        number = next((n for n in _SELECTIONS.values() if n == named), _CLIPBOARD)
        match message.number:
            case MessageType.VD_AGENT_CLIPBOARD_REQUEST:
                kind = getattr(message, "type", _NONE)
                self._give(peer, Clipboard(number, nothing(peer, kind), b""), None)
            case MessageType.VD_AGENT_CLIPBOARD:
                self._answer_is_lost(peer, number if named == number else None)
            case MessageType.VD_AGENT_CLIPBOARD_GRAB if number in self._selections:
                if named in (number, None):
                    self._selections[number].refuse_grab(peer)
                else:
                    self._selections[number].correct(peer)

    def withheld(self, peer: Peer, message: Message, reason: str) -> None:
        selection = self._selections.get(getattr(message, "selection", -1))
        match message:
            case Clipboard(selection=number, type=kind):
                self._give(peer, Clipboard(number, nothing(peer, kind), b""), None)
            case ClipboardRequest() if selection:
                selection.lost(peer)
            case ClipboardGrab() if selection:
                selection.withheld(peer)

    def _answer_is_lost(self, peer: Peer, number: int | None) -> None:
        """Have whoever waits for this answer of *peer* wait no longer."""
        asked = [s for s in self._selections.values() if s.asked(peer) is not None]
        if number is not None:
            asked = [s for s in asked if s.number == number]
        # Nothing is known of a message over max-message: the oldest answer is due.
        for selection in sorted(asked, key=lambda s: s.asked(peer) or 0.0)[:1]:
            selection.lost(peer)

    def _give_none(self, peer: Peer, selection: int) -> None:
        self._give(peer, Clipboard(selection, _NONE, b""), None)

    def _give(
        self, peer: Peer, message: Clipboard, source: Peer | None
    ) -> Sending | None:
        """
        Send clipboard data to whom they are owed, or nothing if they are too much.

        A peer that has announced less since it asked is given nothing either, and
        no word about a selection that it knows no more.
        """
        if not reaches(peer, message.selection):
            if message.selection != _CLIPBOARD:
                return None
            message = Clipboard(_CLIPBOARD, _NONE, b"")
        limit = self._vm.max_message
        if isinstance(peer, Client):
            wanted = self._max_clipboard.get(peer, -1)
            limit = min(limit, wanted) if wanted >= 0 else limit
        # One without SELECTION has four bytes less before its data, and so may send
        # four bytes more than others can be told.
        if len(message.data) > limit:
            message = Clipboard(message.selection, message.type, b"")
        return peer.send(message, source=source)


def _selection_of(peer: Peer, message: Message) -> int | None:
    """Return what a message names, which may not exist; None if it names nothing."""
    if not isinstance(message, Unknown):
        return int(getattr(message, "selection", _CLIPBOARD))
    if not peer.agreed(Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION):
        return _CLIPBOARD
    return message.payload[0] if len(message.payload) >= 4 else None


def make(options: ClipboardOptions) -> ClipboardHandler:
    """Return the handler for one VM."""
    return ClipboardHandler(options)
