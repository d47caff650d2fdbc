"""
A world whose guest and clients copy and paste.

Its ends count the serials of GRABs as spice-vdagentd and spice-gtk do. A GRAB that
such a peer would not take is not among what it heard; what it heard bears no serial.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from tests.hub.doubles import GTK, ClientEnd, End, GuestEnd, World
from tests.link.frames import LINUX
from vdproxy.handlers.clipboard import Options, make
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    Message,
)

TEXT, PNG, BMP, TIFF, JPG, FILE_LIST = range(1, 7)
CLIPBOARD, PRIMARY, SECONDARY = range(3)
ALL_SELECTIONS = ("clipboard", "primary", "secondary")

NONE = Clipboard(CLIPBOARD, 0, b"")

#: What spice-vdagent takes for nothing, which to a NONE finds no request.
EMPTY = Clipboard(CLIPBOARD, TEXT, b"")

_SERIAL = 17

#: What clients announce, from the least to the most.
BY_DEMAND = Capabilities.of(5).bits
WITH_SELECTION = Capabilities.of(5, 6).bits
WITH_SERIAL = Capabilities.of(5, 6, 17).bits
CLIENTS = {
    "by demand": BY_DEMAND,
    "selection": WITH_SELECTION,
    "serial": WITH_SERIAL,
    "gtk": GTK,
}


def grabbed(*types: int, selection: int = CLIPBOARD) -> ClipboardGrab:
    return ClipboardGrab(selection, types or (TEXT,))


def released(selection: int = CLIPBOARD) -> ClipboardRelease:
    return ClipboardRelease(selection)


def asked(type: int = TEXT, selection: int = CLIPBOARD) -> ClipboardRequest:
    return ClipboardRequest(selection, type)


def given(data: bytes, type: int = TEXT, selection: int = CLIPBOARD) -> Clipboard:
    return Clipboard(selection, type, data)


def nothing(selection: int = CLIPBOARD) -> Clipboard:
    return Clipboard(selection, 0, b"")


class Desk(End):
    """
    A peer with a clipboard.

    ``stamps`` are the serials of all GRABs that came, ``owns`` the selections that
    it takes for its own, ``remote`` the types of those that it can paste.
    """

    is_agent = False

    def __init__(self, *args: Any, **options: Any) -> None:
        self._serials: Counter[int] = Counter()
        self._unread: list[tuple[Message, int]] = []
        self.stamps: list[int | None] = []
        self.owns: set[int] = set()
        self.remote: dict[int, tuple[int, ...]] = {}
        super().__init__(*args, **options)

    def grab(
        self,
        *types: int,
        selection: int = CLIPBOARD,
        crossing: bool = False,
        one_by_one: bool = False,
    ) -> None:
        """Copy; *crossing* does so before what the hub has said was read."""
        if not crossing:
            self._read()
        self.say(self.stamped(*types, selection=selection), one_by_one=one_by_one)

    def stamped(self, *types: int, selection: int = CLIPBOARD) -> ClipboardGrab:
        """Return the next GRAB with its serial."""
        serial = None
        if self.layout.agreed(_SERIAL):
            serial = self._serials[selection]
            self._serials[selection] += 1
        self.owns.add(selection)
        self.remote.pop(selection, None)
        return ClipboardGrab(selection, types or (TEXT,), serial)

    def release(self, selection: int = CLIPBOARD) -> None:
        self._read()
        self.owns.discard(selection)
        self.say(released(selection))

    def request(self, type: int = TEXT, selection: int = CLIPBOARD) -> None:
        self.say(asked(type, selection))

    def give(self, data: bytes, type: int = TEXT, selection: int = CLIPBOARD) -> None:
        self.say(given(data, type, selection))

    def refuse(self, selection: int = CLIPBOARD) -> None:
        """Answer that there is nothing."""
        self.say(nothing(selection))

    def announce(self, request: int, word: int | None = None) -> None:
        if request:
            self._begin_anew()
        super().announce(request, word)

    def heard_on_ports(self) -> list[tuple[Message, int]]:
        self._read()
        unread, self._unread = self._unread, []
        return unread

    def _begin_anew(self) -> None:
        self._serials.clear()
        self.owns.clear()
        self.remote.clear()

    def _read(self) -> None:
        for message, port in super().heard_on_ports():
            if isinstance(message, AnnounceCapabilities) and message.request:
                self._serials.clear()
            if isinstance(message, ClipboardGrab):
                if not self._takes(message):
                    continue
                self.owns.discard(message.selection)
                self.remote[message.selection] = message.types
                message = replace(message, serial=None)
            if isinstance(message, ClipboardRelease):
                self.remote.pop(message.selection, None)
            self._unread.append((message, port))

    def _takes(self, grab: ClipboardGrab) -> bool:
        self.stamps.append(grab.serial)
        if grab.serial is None:
            return True
        behind = self._serials[grab.selection] - grab.serial
        if not behind:
            self._serials[grab.selection] += 1
        return not behind or (self.is_agent and behind == 1)


class GuestDesk(Desk, GuestEnd):
    """The guest's: an agent takes a GRAB that crossed its own."""

    is_agent = True


class ClientDesk(Desk, ClientEnd):
    """A client's."""


class DeskWorld(World):
    """A hub with the clipboard handler, and desks around it."""

    guest: Any

    def __init__(
        self,
        *,
        selections: tuple[Any, ...] = ("clipboard",),
        share_between_clients: bool = True,
        max_grabs: int = 20,
        **options: Any,
    ) -> None:
        self.handler = make(
            Options(
                selections,
                share_between_clients=share_between_clients,
                max_grabs=max_grabs,
            )
        )
        super().__init__(self.handler, **options)
        self.guest = GuestDesk(self.hub, self._codec)

    def client(self, word: int = GTK, **options: Any) -> Any:
        return ClientDesk(self.hub, self._codec, word, **options)

    def asking_client(self, word: int = GTK) -> Any:
        """Return a client that has announced itself with a question, as spice-gtk."""
        client = self.client(word)
        client.heard()
        client.announce(1)
        return client

    def nothing_runs(self) -> bool:
        """Tell whether no timer is left, once the log has been closed."""
        self.hub.log.close()
        return self.clock.getDelayedCalls() == []


def desks(*words: int, guest: int = LINUX, **options: Any) -> Any:
    """Return a world whose agent is up, and ready clients with these words."""
    world = DeskWorld(**options)
    world.guest.come_up(guest)
    return world, *[world.ready_client(word) for word in words]


def all_heard(*ends: Desk) -> list[list[Message]]:
    return [end.heard() for end in ends]
