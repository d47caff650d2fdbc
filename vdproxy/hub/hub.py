"""The hub of one VM: what joins its guest, its clients and its handlers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from vdproxy.errors import Refused
from vdproxy.hub.client import Client
from vdproxy.hub.features import Features
from vdproxy.hub.guest import Guest
from vdproxy.hub.isolation import Failed, Installed, Mount, attempt, isolated
from vdproxy.hub.log import VMLog
from vdproxy.hub.outbox import Transport
from vdproxy.hub.peer import Peer, VMContext
from vdproxy.hub.trace import Trace
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import DEFAULT_MAX_MESSAGE, message_name
from vdproxy.wire.messages import STANDARD, Message, Unknown

#: Default of the option ``max-clients``.
DEFAULT_MAX_CLIENTS = 16


class Hub:
    """
    One VM.

    ``installed`` are its handlers in the order of the configuration, whose
    message types do not overlap; one owns ANNOUNCE_CAPABILITIES. ``max_message``
    is in bytes.
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
        self._context = VMContext(
            clock,
            self.log,
            Trace(name) if tracing else None,
            Codec(_brought(installed), max_message),
        )
        self.guest = Guest(self._context, self)
        self.clients: list[Client] = []
        self.features = Features(installed, self.log, clock, self.renegotiate)
        self.max_message = max_message
        self._max_clients = max_clients
        self._client_ids = count(1)
        self._stopping = False
        self._ended: Deferred[None] = Deferred()

    def start(self) -> None:
        """Start the handlers, first to last."""
        self.features.start(lambda mount: _HandlersVM(self, mount))

    def stop(self) -> Deferred[None]:
        """
        Stop the handlers, last to first, and let go of all clients.

        The Deferred fires when the last of them has left.
        """
        self._stopping = True
        self.features.stop()
        for client in list(self.clients):
            client.close()
        self._end_when_empty()
        return self._ended

    def attach(
        self, transport: Transport, frontend: str, name: str, uid: int | None
    ) -> Client:
        """
        Take a new client in.

        :raises Refused: there are as many as may be, or the hub stops.
        """
        if self._stopping:
            raise Refused("vdproxy stops")
        # What a client has sent takes its place until the guest has read it.
        if len({*self.clients, *self.guest.senders}) >= self._max_clients:
            self.log.warn(
                "client of {frontend} refused: {limit} are connected, see max-clients",
                frontend=frontend,
                limit=self._max_clients,
            )
            raise Refused(f"{self._max_clients} clients are connected")
        client = Client(
            self._context, self, next(self._client_ids), frontend, name, uid
        )
        self.clients.append(client)
        self.log.info(
            "client {client} connected, uid {uid}",
            client=client.label,
            uid="unknown" if uid is None else uid,
        )
        client.connected(transport)
        if self.guest.up:
            self._offer(client)
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
        self.features.received(peer, message)

    def refuse(self, peer: Peer, number: int, payload: bytes, reason: str) -> None:
        """Have the owner of a message that cannot be read answer for it."""
        self.features.dropped(peer, Unknown(number, payload), reason)

    def agent_up(self, capabilities: Capabilities) -> None:
        """Tell everybody that the guest's agent has answered."""
        self.log.info(
            "the guest's agent is up and announces {capabilities}",
            capabilities=", ".join(capabilities.names()) or "nothing",
        )
        for client in list(self.clients):
            self._offer(client)
        self.features.tell(lambda handler: handler.guest_up, capabilities)
        for client in list(self.clients):
            client.process_events()

    def agent_lost(self, reason: str) -> None:
        """Tell the handlers that the guest's agent is gone."""
        self.log.info("the guest's agent is lost: {reason}", reason=reason)
        self.features.tell(lambda handler: handler.guest_lost)

    def client_ready(self, client: Client) -> None:
        """Tell the handlers of a client that has announced itself."""
        client.introduced = True
        self.features.tell(lambda handler: handler.client_ready, client)

    def client_left(self, client: Client) -> None:
        """Tell the handlers that a client is gone or begins anew."""
        client.introduced = False
        self.features.tell(lambda handler: handler.client_left, client)

    def renegotiate(self) -> None:
        """Offer each client what there is to offer now."""
        if self.guest.up:
            for client in list(self.clients):
                self._offer(client)
                client.process_events()

    def offer_to_guest(self) -> Capabilities:
        """Return what the guest is to be told."""
        return self.features.offer_to_guest()

    def _offer(self, client: Client) -> None:
        client.offer(self.features.offer_to_client(client))
        for message in client.take_early():
            outcome = attempt(partial(client.send, message))
            if isinstance(outcome, Failed):
                self.log.warn(
                    "client {client} cannot be told an early {message}",
                    client=client.label,
                    message=message_name(message.number),
                )

    def _end_when_empty(self) -> None:
        if self._stopping and not self.clients and not self._ended.called:
            self.log.close()
            self._ended.callback(None)


def _brought(installed: Sequence[Installed]) -> Iterator[type[Message]]:
    """Yield the message classes that handlers bring of their own."""
    for plugin in installed:
        for message in plugin.handler.messages:
            if message not in STANDARD:
                yield isolated(message)


class _HandlersVM:
    """A hub as one of its handlers sees it: a VM."""

    def __init__(self, hub: Hub, mount: Mount) -> None:
        self._hub = hub
        self.name = hub.name
        self.clock = mount.clock
        self.log = hub.log
        self.guest = hub.guest
        self.options = mount.options
        self.max_message = hub.max_message

    @property
    def clients(self) -> tuple[Client, ...]:
        return tuple(client for client in self._hub.clients if client.introduced)

    @property
    def relayed(self) -> Capabilities:
        return self._hub.features.relayed

    @property
    def provided(self) -> Capabilities:
        return self._hub.features.provided

    def owns(self, number: int) -> bool:
        return self._hub.features.owns(number)

    def offers_changed(self) -> None:
        self._hub.renegotiate()
