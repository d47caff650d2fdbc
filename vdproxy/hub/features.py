"""The handlers of one VM: what each owns, and how long it is relied upon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_
from typing import Any, TypeVarTuple, cast

from twisted.internet.interfaces import IReactorTime

from vdproxy.hub.client import Client
from vdproxy.hub.handler import Handler, Negotiator
from vdproxy.hub.isolation import MAX_FAILURES, Installed, Mount, Turn, mounted
from vdproxy.hub.log import VMLog
from vdproxy.hub.peer import Peer
from vdproxy.hub.refusals import refusal, without_content
from vdproxy.hub.vm import VM
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.constants import (
    MAX_CAPABILITY_WORDS,
    Capability,
    MessageType,
    message_name,
)
from vdproxy.wire.messages import Message, Reply

_Ts = TypeVarTuple("_Ts")

#: Types without an owner that are logged, one line each; a peer may make up more
#: of them than a log should hold.
_MAX_UNOWNED_LOGGED = 64

_BY_DEMAND = Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND
_SELECTION = Capabilities.of(Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION)

#: What an ANNOUNCE_CAPABILITIES has room for.
_ANNOUNCEABLE = Capabilities((1 << 32 * MAX_CAPABILITY_WORDS) - 1)


class Features:
    """
    The enabled handlers of one VM.

    One of which a method fails five times in a row is stopped and withdrawn: its
    types are no longer owned, and ``withdrawn`` is called. One that cannot start
    is withdrawn as well. The one that owns ANNOUNCE_CAPABILITIES negotiates, and
    however often it fails it stays.
    """

    def __init__(
        self,
        installed: Sequence[Installed[Handler]],
        log: VMLog,
        clock: IReactorTime,
        turn: Turn,
        withdrawn: Callable[[], None],
    ) -> None:
        self._log = log
        self._clock = clock
        self._turn = turn
        self._withdrawn = withdrawn
        self._unowned: set[int] = set()
        self._mount([self._new_mount(plugin) for plugin in installed])

    @property
    def handlers(self) -> list[Handler]:
        """The handlers that have not been withdrawn."""
        return [mount.plugin for mount in self._mounts]

    @property
    def relayed(self) -> Capabilities:
        """What the handlers relay between the agent and clients."""
        return reduce(or_, (h.relayed for h in self.handlers), Capabilities())

    @property
    def provided(self) -> Capabilities:
        """What the handlers make true by themselves."""
        return reduce(or_, (h.provided for h in self.handlers), Capabilities())

    def owns(self, number: int) -> bool:
        """Tell whether a handler owns the message type *number*."""
        return number in self._owners

    def start(self, vm: Callable[[Mount[Any]], VM]) -> None:
        """Start the handlers, first to last; *vm* makes what each is given."""
        for mount in list(self._mounts):
            self._start(mount, vm(mount))

    def stop(self) -> None:
        """Stop the handlers, last to first, and call them no more."""
        self._owners.clear()
        while self._mounts:
            self._stop(self._mounts.pop())

    def keep(self, installed: Sequence[Installed[Handler]]) -> None:
        """Stop the handlers that are not among these, last to first."""
        kept = {id(plugin.plugin) for plugin in installed}
        for mount in reversed(list(self._mounts)):
            if id(mount.plugin) not in kept:
                self._remove(mount)
                self._stop(mount)

    def install(
        self,
        installed: Sequence[Installed[Handler]],
        vm: Callable[[Mount[Any]], VM],
    ) -> None:
        """
        Have these handlers in this order, of which some are there already.

        The others are started, and told of the agent and the clients that are up.
        """
        mounts, added = mounted(installed, self._mounts, self._new_mount)
        self._mount(mounts)
        new = [(mount, vm(mount)) for mount in added]
        for mount, seen in new:
            self._start(mount, seen)
        for mount, seen in new:
            if seen.guest.up and seen.guest.announced is not None:
                self._tell(mount, mount.plugin.guest_up, seen.guest.announced)
            for client in seen.clients:
                self._tell(mount, mount.plugin.client_ready, client)

    def has(self, plugin: Handler) -> bool:
        """Tell whether *plugin* is here, and has not been withdrawn."""
        return any(mount.plugin is plugin for mount in self._mounts)

    def tell(
        self, method: Callable[[Handler], Callable[[*_Ts], object]], *args: *_Ts
    ) -> None:
        """Call one method of each handler."""
        for mount in list(self._mounts):
            self._tell(mount, method(mount.plugin), *args)

    def received(self, peer: Peer, message: Message) -> None:
        """Give a message to its owner; without one, refuse it."""
        mount = self._owner(message)
        if mount is None:
            self._log_unowned(peer, message.number)
            self._answer_unowned(peer, message)
        elif not mount.call(mount.plugin.received, peer, message):
            reason = f"handler {mount.name} failed"
            mount.call(mount.plugin.dropped, peer, message, reason)
            self._withdraw_if_failing(mount)

    def dropped(self, peer: Peer, message: Message, reason: str) -> None:
        """Have the owner of a message answer that came in and was dropped."""
        mount = self._owner(message)
        if mount is None:
            self._answer_unowned(peer, message)
        else:
            mount.call(mount.plugin.dropped, peer, message, reason)
            self._withdraw_if_failing(mount)

    def withheld(self, peer: Peer, message: Message, reason: str) -> None:
        """Have the owner of a message make up for it that is not sent to *peer*."""
        mount = self._owner(message)
        if mount is None:
            instead = without_content(peer, message)
            if instead is not None:
                peer.send(instead)
        else:
            mount.call(mount.plugin.withheld, peer, message, reason)
            self._withdraw_if_failing(mount)

    def offer_to_guest(self) -> Capabilities:
        """Return what the guest is to be told."""
        negotiator = cast("Negotiator", self._core.plugin)
        offer = self._core.ask(
            lambda: negotiator.offer_to_guest() & _ANNOUNCEABLE, Capabilities()
        )
        # spice-vdagentd takes no host for one that has BY_DEMAND alone.
        return offer | _SELECTION if _BY_DEMAND in offer else offer

    def offer_to_client(self, client: Client) -> Capabilities:
        """Return what *client* is to be told."""
        negotiator = cast("Negotiator", self._core.plugin)
        return self._core.ask(
            lambda: negotiator.offer_to_client(client) & _ANNOUNCEABLE, Capabilities()
        )

    def _new_mount(self, installed: Installed[Handler]) -> Mount[Handler]:
        return Mount(
            "handler",
            installed,
            self._log,
            self._clock,
            self._turn,
            self._withdraw_if_failing,
        )

    def _mount(self, mounts: list[Mount[Handler]]) -> None:
        """Have each type owned by whoever brings it."""
        self._mounts = mounts
        self._owners = {
            int(message.number): mount
            for mount in mounts
            for message in mount.plugin.messages
        }
        self._core = self._owners[MessageType.VD_AGENT_ANNOUNCE_CAPABILITIES]

    def _start(self, mount: Mount[Handler], vm: VM) -> None:
        started = mount.call(mount.plugin.start, vm)
        if not started and mount is not self._core:
            self._withdraw(mount, "it could not start", started=False)

    def _tell(
        self,
        mount: Mount[Handler],
        method: Callable[[*_Ts], object],
        *args: *_Ts,
    ) -> None:
        if mount in self._mounts:
            mount.call(method, *args)
            self._withdraw_if_failing(mount)

    def _owner(self, message: Message) -> Mount[Handler] | None:
        # A REPLY is the affair of whoever owns what it answers.
        number = message.type if isinstance(message, Reply) else message.number
        return self._owners.get(number)

    def _answer_unowned(self, peer: Peer, message: Message) -> None:
        answer = refusal(peer, message)
        if answer is not None:
            peer.send(answer)

    def _withdraw_if_failing(self, mount: Mount[Handler]) -> None:
        if mount.keeps_failing and mount is not self._core and mount in self._mounts:
            reason = f"it failed {MAX_FAILURES} times in a row"
            self._withdraw(mount, reason, started=True)

    def _withdraw(self, mount: Mount[Handler], reason: str, *, started: bool) -> None:
        self._log.critical(
            "handler {handler} is withdrawn: {reason}",
            handler=mount.name,
            reason=reason,
        )
        self._remove(mount)
        if started:
            self._stop(mount)
        self._withdrawn()

    def _remove(self, mount: Mount[Handler]) -> None:
        self._mounts.remove(mount)
        self._owners = {n: m for n, m in self._owners.items() if m is not mount}

    def _stop(self, mount: Mount[Handler]) -> None:
        mount.call(mount.plugin.stop)
        mount.end()

    def _log_unowned(self, peer: Peer, number: int) -> None:
        if number in self._unowned or len(self._unowned) == _MAX_UNOWNED_LOGGED:
            return
        self._unowned.add(number)
        self._log.warn(
            "{message} of {peer} dropped: no enabled handler owns this type",
            message=message_name(number),
            peer=peer.label,
        )
