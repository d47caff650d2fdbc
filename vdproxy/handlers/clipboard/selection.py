"""One selection: who owns it, and what everybody has been told about that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twisted.internet.interfaces import IDelayedCall

from vdproxy.api import (
    VM,
    Capability,
    Client,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardType,
    Message,
    Peer,
    Sending,
)
from vdproxy.handlers.clipboard.grabs import GrabGate, GrabRates
from vdproxy.handlers.clipboard.requests import Requests, reaches

#: Seconds in which a peer that may release before it grabs anew can do so.
_REGRAB_GRACE = 0.5

#: What cannot be handed over. A file list names paths in a WebDAV share, which
#: takes a port of its own (org.spice-space.webdav.0).
_NOT_OFFERED = {
    ClipboardType.VD_AGENT_CLIPBOARD_NONE,
    ClipboardType.VD_AGENT_CLIPBOARD_FILE_LIST,
}


@dataclass(slots=True)
class _Shown:
    """
    The present owner's GRAB, as it was sent to a peer.

    ``was_told`` is whether the peer had been told of another, ``misled`` whether it
    believes that it owns the selection itself.
    """

    sending: Sending
    was_told: bool
    misled: bool = False


class SharedSelection:
    """
    One selection that the guest and the clients of a VM share.

    Its owner is the guest, a client, or nobody; all others are told so with a
    GRAB, and with a RELEASE when there is nothing to be had any more. ``give``
    sends clipboard data, on behalf of whom they are from.
    """

    def __init__(
        self,
        vm: VM,
        number: int,
        rates: GrabRates,
        give: Callable[[Peer, Clipboard, Peer | None], Sending | None],
        *,
        share_between_clients: bool,
    ) -> None:
        self._vm = vm
        self.number = number
        self._give = give
        self._share_between_clients = share_between_clients
        self._gate = GrabGate(vm, rates, self._grabbed)
        self._requests = Requests(vm, number, self._deliver)
        self._owner: Peer | None = None
        #: What all others are told of it, None while there is nothing to paste.
        self._grab: ClipboardGrab | None = None
        self._releasing: dict[Peer, IDelayedCall] = {}
        #: Those for whom a GRAB was the last that we said.
        self._told: set[Peer] = set()
        #: What the filters let each see of the present owner's GRAB.
        self._shown: dict[Peer, _Shown] = {}

    def grab(self, peer: Peer, types: tuple[int, ...]) -> None:
        """Let *peer* own the selection, as soon as it may."""
        if reaches(peer, self.number):
            self._forget_release(peer)
            self._gate.grab(peer, types)

    def refuse_grab(self, peer: Peer) -> None:
        """Tell *peer*, of which a GRAB is not taken, who owns the selection."""
        self._gate.cancel(peer)
        if peer is self._vm.guest:
            # It owns the selection all the same.
            self._grabbed(peer, ())
        elif peer is self._owner:
            # What it had before is gone.
            self._own(None, ())
        self.correct(peer)

    def correct(self, peer: Peer) -> None:
        """Tell *peer*, which may believe that it is the owner, who is."""
        if peer is self._owner or peer is self._vm.guest:
            return
        shown = self._shown.get(peer)
        if shown is not None and shown.sending.undecided:
            shown.misled = True
        elif shown is not None and shown.sending.message is not None:
            self._told.add(peer)
            peer.send(shown.sending.message, source=self._owner)
        elif shown is None and self._grab is not None and self._may_paste(peer):
            # Nothing was said while it was grabbing, and filters are to see it.
            self._vm.clock.callLater(0.0, self.tell, peer)
        else:
            self._told.add(peer)
            self._untell(peer)

    def release(self, peer: Peer) -> None:
        """Let *peer* own the selection no more, if it does."""
        held = self._gate.cancel(peer)
        if not held and peer is not self._owner:
            return
        if peer.can(Capability.VD_AGENT_CAP_CLIPBOARD_NO_RELEASE_ON_REGRAB):
            self._released(peer)
        elif peer not in self._releasing:
            self._releasing[peer] = self._vm.clock.callLater(
                _REGRAB_GRACE, self._released, peer
            )

    def request(self, peer: Peer, type: int) -> None:
        """Have *peer* given the selection as a type, or be told that it cannot."""
        if self._owner is not None and not reaches(self._owner, self.number):
            self._own(None, ())
        releasing = self._owner in self._releasing
        if type in self._types_for(peer) and not releasing and self._may_paste(peer):
            self._requests.add(peer, type)
        else:
            self._deliver(peer, ClipboardType.VD_AGENT_CLIPBOARD_NONE, b"")

    def asked(self, peer: Peer) -> float | None:
        """Return when *peer* was asked what it has not answered, None if nothing."""
        return self._requests.asked(peer)

    def answer(self, peer: Peer, type: int, data: bytes) -> None:
        """Take what *peer* answers to a request."""
        self._requests.answer(peer, type, data)

    def lost(self, peer: Peer) -> None:
        """Take note that what *peer* was asked, or its answer, was dropped."""
        self._requests.lost(peer)

    def tell(self, peer: Peer) -> None:
        """Bring *peer* up to date, unless a GRAB of its own is still to count."""
        if self._is_grabbing(peer):
            return
        grab = self._grab
        if grab is not None and self._may_paste(peer) and reaches(peer, self.number):
            was_told = peer in self._told
            self._told.add(peer)
            sending = peer.send(grab, source=self._owner)
            if sending is not None:
                self._shown[peer] = _Shown(sending, was_told)
        else:
            self._untell(peer)

    def withheld(self, peer: Peer) -> None:
        """Take note that a GRAB for *peer* was dropped: it believes what it did."""
        shown = self._shown.get(peer)
        # All are sent one and the same GRAB: only what was sent can tell.
        if shown is not None and shown.sending.message is None:
            self._forget(peer, shown)
            if shown.misled:
                self._untell(peer)

    def lose(self, peer: Peer) -> None:
        """Part with *peer*: what it owned nobody does, and it is owed nothing."""
        self._told.discard(peer)
        self._shown.pop(peer, None)
        self._forget_release(peer)
        self._gate.forget(peer)
        self._requests.left(peer)
        if peer is self._owner:
            self._own(None, ())

    def end(self) -> None:
        """Let nobody own the selection, or wait for it."""
        self._own(None, ())

    def _grabbed(self, peer: Peer, types: tuple[int, ...]) -> None:
        # A GRAB ends what its sender was told before.
        self._told.discard(peer)
        self._own(peer, tuple([type for type in types if type not in _NOT_OFFERED]))

    def _own(self, owner: Peer | None, types: tuple[int, ...]) -> None:
        """Let *owner* own the selection, and tell everybody else."""
        for peer in list(self._releasing):
            self._forget_release(peer)
        self._owner = owner
        self._grab = ClipboardGrab(self.number, types) if types else None
        self._forget_shown()
        # A peer takes the next answer for that to its last request, so those who
        # wait are answered before they can make another.
        self._requests.owner_changed(owner)
        for peer in (self._vm.guest, *self._vm.clients):
            self.tell(peer)

    def _forget(self, peer: Peer, shown: _Shown) -> None:
        """Take note that *peer* has not been told of a GRAB."""
        if not (shown.was_told or shown.misled):
            self._told.discard(peer)

    def _forget_shown(self) -> None:
        """Let nobody be told any more of a GRAB that filters have not let pass."""
        for peer, shown in self._shown.items():
            if shown.sending.undecided:
                shown.sending.cancel()
                self._forget(peer, shown)
        self._shown.clear()

    def _released(self, peer: Peer) -> None:
        """Act on a RELEASE that was not the first half of a new GRAB."""
        self._releasing.pop(peer, None)
        if peer is self._owner:
            self._own(None, ())
        else:
            self.tell(peer)

    def _forget_release(self, peer: Peer) -> None:
        """Let a RELEASE of *peer*, if it made one, be the first half of a GRAB."""
        call = self._releasing.pop(peer, None)
        if call is not None:
            call.cancel()

    def _untell(self, peer: Peer) -> None:
        """Tell *peer*, if it was told of something to paste, that there is nothing."""
        if peer in self._told:
            self._told.discard(peer)
            if reaches(peer, self.number):
                peer.send(ClipboardRelease(self.number), source=self._owner)

    def _is_grabbing(self, peer: Peer) -> bool:
        """Tell whether filters take their time over a GRAB of *peer*."""
        grab = peer.in_question
        return isinstance(grab, ClipboardGrab) and grab.selection == self.number

    def _types_for(self, peer: Peer) -> tuple[int, ...]:
        """Return the types that *peer* may ask for."""
        shown = self._shown.get(peer)
        grab: Message | None = self._grab
        if shown is not None:
            grab = None if shown.sending.undecided else shown.sending.message
        return grab.types if isinstance(grab, ClipboardGrab) else ()

    def _may_paste(self, peer: Peer) -> bool:
        return peer is not self._owner and (
            self._share_between_clients
            or not (isinstance(self._owner, Client) and isinstance(peer, Client))
        )

    def _deliver(self, peer: Peer, type: int, data: bytes) -> Sending | None:
        return self._give(peer, Clipboard(self.number, type, data), self._owner)
