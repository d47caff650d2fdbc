"""
Mouse: the states of all clients' mice become the state of the guest's one.

The agent makes presses and releases of what differs from the state before. So a
button is down while any client holds it, or one client's motion would release
what another one holds. The pointer is where it was moved last.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import or_

from zope.interface import implementer

from vdproxy.api import (
    VM,
    Capabilities,
    Capability,
    Client,
    Handler,
    IMessageHandler,
    Message,
    MouseState,
    NoOptions,
    Peer,
    Sending,
)


@implementer(IMessageHandler)
class MouseHandler(Handler):
    """Merges the buttons and sends no motion that a newer one makes void."""

    messages = (MouseState,)
    relayed = Capabilities.of(Capability.VD_AGENT_CAP_MOUSE_STATE)

    def __init__(self) -> None:
        self._held: dict[Client, int] = {}
        self._state: MouseState | None = None
        self._told = 0
        self._motion: Sending | None = None

    def start(self, vm: VM) -> None:
        self._vm = vm

    def stop(self) -> None:
        self._held.clear()
        if self._told and self._state is not None:
            self._become(replace(self._state, buttons=0))

    def guest_up(self, capabilities: Capabilities) -> None:
        # It may be the same as before, with a button down that is up by now.
        buttons = self._buttons()
        released, self._told = self._told & ~buttons, 0
        if released and self._state is not None:
            self._become(replace(self._state, buttons=buttons))

    def guest_lost(self) -> None:
        self._motion = None

    def client_left(self, client: Client) -> None:
        before = self._buttons()
        self._held.pop(client, None)
        buttons = self._buttons()
        if self._state is not None and buttons != before:
            self._become(replace(self._state, buttons=buttons))

    def received(self, peer: Peer, message: Message) -> None:
        if isinstance(message, MouseState) and isinstance(peer, Client):
            if message.buttons:
                self._held[peer] = message.buttons
            else:
                self._held.pop(peer, None)
            buttons = self._buttons()
            if message.buttons != buttons:
                message = replace(message, buttons=buttons)
            self._become(message, peer)

    def _buttons(self) -> int:
        return reduce(or_, self._held.values(), 0)

    def _become(self, state: MouseState, source: Client | None = None) -> None:
        before, self._state = self._state, state
        if not self._vm.guest.can(Capability.VD_AGENT_CAP_MOUSE_STATE):
            return
        # A press or release counts where it was made, so only a state that was
        # neither gives way, and only to another such.
        moves = state.buttons == self._told
        motion = self._motion
        if moves and motion and before and before.display_id == state.display_id:
            motion.give_way()
        self._told = state.buttons
        sending = self._vm.guest.send(state, source=source)
        self._motion = sending if moves else None


def make(options: NoOptions) -> MouseHandler:
    """Return the handler for one VM."""
    return MouseHandler()
