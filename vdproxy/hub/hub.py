"""The hub of one VM: what joins its guest, its clients and its handlers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import count
from operator import or_
from typing import TypeVarTuple, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from vdproxy.errors import Refused
from vdproxy.hub.client import Client
from vdproxy.hub.guest import Guest
from vdproxy.hub.handler import Handler, Negotiator
from vdproxy.hub.isolation import MAX_FAILURES, Installed, Mount
from vdproxy.hub.log import VMLog
from vdproxy.hub.outbox import Transport
from vdproxy.hub.peer import Peer, Surroundings
from vdproxy.hub.trace import Trace, message_name
from vdproxy.link.events import Malformed
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import (
    DEFAULT_MAX_MESSAGE,
    MAX_CAPABILITY_WORDS,
    MessageType,
)
from vdproxy.wire.messages import Message, Unknown

_Ts = TypeVarTuple("_Ts")

#: Default of the option ``max-clients``.
DEFAULT_MAX_CLIENTS = 16

#: Types without an owner that are logged by number, one line each; a peer may
#: make up more of them than a log should hold.
_MAX_UNOWNED_LOGGED = 64


#: What an ANNOUNCE_CAPABILITIES has room for.
_ANNOUNCEABLE = Capabilities((1 << 32 * MAX_CAPABILITY_WORDS) - 1)


class Hub:
    """
    One VM.

    ``installed`` are its handlers in the order of the configuration, whose
    message types do not overlap. The one that owns ANNOUNCE_CAPABILITIES
    negotiates: it is asked what each side is offered and is never withdrawn.
    ``max_message`` is in bytes.
    """

    def __init__(
        self,
        name: str,
        clock: IReactorTime,
        installed: Sequence[Installed],
        *,
        max_clients: int = DEFAULT_MAX_CLIENTS,
        max_message: int = DEFAULT_MAX_MESSAGE,
        tracing: bool = False,
    ) -> None:
        self.name = name
        self.clock = clock
        self.log = VMLog(name, clock)
        self._around = Surroundings(
            clock,
            self.log,
            Trace(name) if tracing else None,
            Codec((m for i in installed for m in i.handler.messages), max_message),
            max_message,
        )
        self.guest = Guest(self._around, self)
        self.clients: list[Client] = []
        self._mounts = [Mount(plugin, self.log) for plugin in installed]
        self._owners = {
            int(message.number): mount
            for mount in self._mounts
            for message in mount.handler.messages
        }
        self._core = self._owners[MessageType.VD_AGENT_ANNOUNCE_CAPABILITIES]
        self._max_clients = max_clients
        self._client_ids = count(1)
        self._clients_paused = False
        self._unowned: set[int] = set()
        self._ended: Deferred[None] = Deferred()

    @property
    def handlers(self) -> list[Handler]:
        """The handlers that have not been withdrawn."""
        return [mount.handler for mount in self._mounts]

    def owns(self, number: int) -> bool:
        """Tell whether a handler owns the message type *number*."""
        return number in self._owners

    def start(self) -> None:
        """Start the handlers, first to last."""
        for mount in list(self._mounts):
            vm = _HandlersVM(self, mount.options)
            if not mount.call(mount.handler.start, vm) and mount is not self._core:
                self._withdraw(mount, "it could not start")

    def stop(self) -> Deferred[None]:
        """
        Stop the handlers, last to first, and let go of all clients.

        The Deferred fires when the last of them has left.
        """
        self._max_clients = 0
        for mount in reversed(self._mounts):
            mount.call(mount.handler.stop)
        for client in list(self.clients):
            client.disconnect("vdproxy stops")
        self._end_when_empty()
        return self._ended

    def attach(
        self, transport: Transport, frontend: str, name: str, uid: int | None
    ) -> Client:
        """
        Take a new client in.

        :raises Refused: there are as many as may be.
        """
        if len(self.clients) >= self._max_clients:
            self.log.warn(
                "client of {frontend} refused: {limit} are connected, see max-clients",
                frontend=frontend,
                limit=self._max_clients,
            )
            raise Refused(f"{self._max_clients} clients are connected")
        client = Client(self._around, self, next(self._client_ids), frontend, name, uid)
        self.clients.append(client)
        self.log.info(
            "client {client} connected, uid {uid}", client=client.label, uid=uid
        )
        if self._clients_paused:
            client.pause()
        client.connected(transport)
        if self.guest.up:
            client.offer(self._offer_to_client(client))
        return client

    def detach(self, client: Client, reason: str) -> None:
        """Forget a client whose connection has ended."""
        self.clients.remove(client)
        self.log.info(
            "client {client} left: {reason}", client=client.label, reason=reason
        )
        self.client_left(client)
        self._end_when_empty()

    def dispatch(self, peer: Peer, message: Message) -> None:
        """Give a message to the handler that owns its type."""
        mount = self._owners.get(message.number)
        if mount is None:
            self._log_unowned(peer, message.number)
        else:
            if not mount.call(mount.handler.received, peer, message):
                mount.excuse(peer, message)
            self._withdraw_if_failing(mount)

    def refuse(self, client: Client, malformed: Malformed) -> None:
        """Have the owner of a bad message's type answer it, if it has an answer."""
        mount = self._owners.get(malformed.number)
        if mount is not None:
            message = Unknown(malformed.number, malformed.payload)
            self._call(mount, mount.handler.dropped, client, message, malformed.reason)

    def agent_up(self, capabilities: Capabilities) -> None:
        """Tell everybody that the guest's agent has answered."""
        self.log.info(
            "the guest's agent is up and announces {capabilities}",
            capabilities=", ".join(capabilities.names()) or "nothing",
        )
        for client in self.clients:
            client.offer(self._offer_to_client(client))
        for mount in list(self._mounts):
            self._call(mount, mount.handler.guest_up, capabilities)
        for client in list(self.clients):
            client.process_events()

    def agent_lost(self, reason: str) -> None:
        """Tell the handlers that the guest's agent is gone."""
        self.log.info("the guest's agent is lost: {reason}", reason=reason)
        for mount in list(self._mounts):
            self._call(mount, mount.handler.guest_lost)

    def client_ready(self, client: Client) -> None:
        """Tell the handlers of a client that has announced itself."""
        client.introduced = True
        for mount in list(self._mounts):
            self._call(mount, mount.handler.client_ready, client)

    def client_left(self, client: Client) -> None:
        """Tell the handlers that a client they know is gone or begins anew."""
        if client.introduced:
            client.introduced = False
            for mount in list(self._mounts):
                self._call(mount, mount.handler.client_left, client)

    def renegotiate(self) -> None:
        """Offer each client what there is to offer now."""
        if self.guest.up:
            for client in list(self.clients):
                client.offer(self._offer_to_client(client))
                client.process_events()

    def offer_to_guest(self) -> Capabilities:
        """Return what the guest is to be told."""
        negotiator = cast("Negotiator", self._core.handler)
        offer = self._core.ask(negotiator.offer_to_guest, Capabilities())
        return offer & _ANNOUNCEABLE

    def pause_clients(self) -> None:
        """Read no client while the guest does not read."""
        self._clients_paused = True
        for client in self.clients:
            client.pause()

    def resume_clients(self) -> None:
        """Read clients again."""
        self._clients_paused = False
        for client in self.clients:
            client.resume()

    def _end_when_empty(self) -> None:
        if not self._max_clients and not self.clients and not self._ended.called:
            self.log.close()
            self._ended.callback(None)

    def _offer_to_client(self, client: Client) -> Capabilities:
        negotiator = cast("Negotiator", self._core.handler)
        offer = self._core.ask(negotiator.offer_to_client, Capabilities(), client)
        return offer & _ANNOUNCEABLE

    def _call(
        self, mount: Mount, method: Callable[[*_Ts], object], *args: *_Ts
    ) -> None:
        """Call a handler; withdraw it if it keeps failing."""
        mount.call(method, *args)
        self._withdraw_if_failing(mount)

    def _withdraw_if_failing(self, mount: Mount) -> None:
        if mount.failures >= MAX_FAILURES and mount is not self._core:
            self._withdraw(mount, f"it failed {MAX_FAILURES} times in a row")

    def _withdraw(self, mount: Mount, reason: str) -> None:
        """Go on without a handler: its types are dropped and no longer offered."""
        if mount not in self._mounts:
            return
        self.log.critical(
            "handler {handler} is withdrawn: {reason}",
            handler=mount.name,
            reason=reason,
        )
        self._mounts.remove(mount)
        for message in mount.handler.messages:
            del self._owners[message.number]
        mount.call(mount.handler.stop)
        self.renegotiate()

    def _log_unowned(self, peer: Peer, number: int) -> None:
        if number in self._unowned or len(self._unowned) == _MAX_UNOWNED_LOGGED:
            return
        self._unowned.add(number)
        self.log.warn(
            "{message} of {peer} dropped: no enabled handler owns this type",
            message=message_name(number),
            peer=peer.label,
        )


class _HandlersVM:
    """A hub as one of its handlers sees it: a VM."""

    def __init__(self, hub: Hub, options: object) -> None:
        self._hub = hub
        self.name = hub.name
        self.clock = hub.clock
        self.log = hub.log
        self.guest = hub.guest
        self.options = options

    @property
    def clients(self) -> tuple[Client, ...]:
        return tuple(client for client in self._hub.clients if client.introduced)

    @property
    def relayed(self) -> Capabilities:
        handlers = self._hub.handlers
        return reduce(or_, (h.relayed for h in handlers), Capabilities())

    @property
    def provided(self) -> Capabilities:
        handlers = self._hub.handlers
        return reduce(or_, (h.provided for h in handlers), Capabilities())

    def owns(self, number: int) -> bool:
        return self._hub.owns(number)

    def offers_changed(self) -> None:
        self._hub.renegotiate()
