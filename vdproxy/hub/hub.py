"""The hub of one VM: what joins its guest, its clients and its handlers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from itertools import count
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from vdproxy.errors import Refused
from vdproxy.hub.access import Access
from vdproxy.hub.budget import Budget, Limits, Share
from vdproxy.hub.client import Client
from vdproxy.hub.context import VMContext
from vdproxy.hub.features import Features
from vdproxy.hub.filter import Filter
from vdproxy.hub.filters import Filters
from vdproxy.hub.guest import Guest
from vdproxy.hub.handler import Handler
from vdproxy.hub.isolation import Installed, Mount, Turn, isolated
from vdproxy.hub.line import Sending
from vdproxy.hub.log import VMLog
from vdproxy.hub.peer import Peer
from vdproxy.hub.plugins_vm import PluginsVM
from vdproxy.hub.trace import Trace
from vdproxy.hub.transport import Departures, Transport
from vdproxy.hub.verdicts import Dropped, Pending
from vdproxy.wire.capabilities import FILES_DISABLED, Capabilities
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import Capability, message_name
from vdproxy.wire.messages import STANDARD, AnnounceCapabilities, Message, Unknown

_BY_DEMAND = Capabilities.of(Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND)
_SELECTION = Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION


class Hub:
    """
    One VM.

    ``installed`` are its handlers in the order of the configuration, whose
    message types do not overlap; one owns ANNOUNCE_CAPABILITIES. The ``limits`` are
    its own, the ``budget`` is one for all VMs of the process. ``access`` says who
    may be its client.
    """

    def __init__(
        self,
        name: str,
        clock: IReactorTime,
        installed: Sequence[Installed[Handler]],
        filters: Sequence[Installed[Filter]] = (),
        *,
        limits: Limits | None = None,
        budget: Budget | None = None,
        access: Access | None = None,
        tracing: bool = False,
    ) -> None:
        self.name = name
        self.clock = clock
        self.log = VMLog(name, clock)
        #: What has happened how often, for operators.
        self.counters: Counter[str] = Counter()
        self._budget = budget or Budget()
        #: Its part of the process' memory.
        self.share = Share(self._budget, limits or Limits(), clock)
        turn = Turn()
        self._turn = turn
        self._filters = Filters(
            filters, self.log, clock, turn, self.counters, self.renegotiate
        )
        self._context = VMContext(
            clock,
            self.log,
            Trace(name) if tracing else None,
            Codec(_brought(installed), self.limits.max_message),
            self._filters,
            self.share,
            Departures(),
        )
        self.guest = Guest(self._context, self)
        self.clients: list[Client] = []
        self.features = Features(installed, self.log, clock, turn, self.renegotiate)
        self._access = access or Access()
        self._client_ids = count(1)
        self._stopping = False
        self._ended: Deferred[None] = Deferred()

    @property
    def limits(self) -> Limits:
        """What bounds the VM's peers; others may be set."""
        return self.share.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self.share.limits = limits
        self._context.codec.max_message = limits.max_message

    @property
    def access(self) -> Access:
        """Who may be a client; another may be set, which ends those it excludes."""
        return self._access

    @access.setter
    def access(self, access: Access) -> None:
        self._access = access
        for client in list(self.clients):
            if not access.allows(client.uid, client.gids):
                client.disconnect(f"uid {_shown(client.uid)} is not allowed any more")

    def start(self) -> None:
        """Start the filters and then the handlers, first to last."""
        self._filters.start(self._seen_by)
        self.features.start(self._seen_by)

    def reinstall(
        self,
        installed: Sequence[Installed[Handler]],
        filters: Sequence[Installed[Filter]],
    ) -> None:
        """
        Have these handlers and filters from now on.

        Those that are at work already go on, the others of before are stopped. New
        ones are started and told of the agent and the clients that there are, who
        are then told what there is to offer now.
        """
        self._filters.reinstall(filters, self._seen_by)
        self.features.keep(installed)
        self._context.codec.learn(_brought(installed))
        self.features.install(installed, self._seen_by)
        self.guest.renew_offer()
        self.renegotiate()

    def employs(self, installed: Installed[Any]) -> bool:
        """Tell whether this plugin is at work, neither withdrawn nor benched."""
        plugin = installed.plugin
        return self.features.has(plugin) or self._filters.has(plugin)

    def stop(self) -> Deferred[None]:
        """
        Stop the handlers and then the filters, and let go of all clients.

        What waits for the guest is dropped; it is told what handlers say at their
        end. The Deferred fires when the last client has left.
        """
        self._stopping = True
        for client in self.clients:
            client.pause()
        self.guest.drop_waiting()
        self.features.stop()
        self._filters.stop()
        for client in list(self.clients):
            client.close()
        self._end_when_empty()
        return self._ended

    def attach(
        self,
        transport: Transport,
        frontend: str,
        name: str,
        uid: int | None,
        gids: frozenset[int] = frozenset(),
    ) -> Client:
        """
        Take a new client in, a process of the user *uid* in the groups *gids*.

        :raises Refused: it is not allowed, there are as many as may be, or the hub
            stops.
        """
        if self._stopping:
            raise Refused("vdproxy stops")
        try:
            if not self.access.allows(uid, gids):
                raise Refused(f"uid {_shown(uid)} is not allowed")
            self._find_place(uid)
        except Refused as refused:
            self.log.warn(
                "client of {frontend} refused: {reason}",
                frontend=frontend,
                reason=str(refused),
            )
            raise
        client = Client(
            self._context, self, next(self._client_ids), frontend, name, uid, gids
        )
        self.clients.append(client)
        self.log.info(
            "client {client} connected, uid {uid}",
            client=client.label,
            uid=_shown(uid),
        )
        client.connected(transport)
        if self.guest.up:
            self._offer(client)
        return client

    def _find_place(self, uid: int | None) -> None:
        limit = self.limits.max_clients
        # What a client has sent takes its place until the guest has read it.
        if len({*self.clients, *self.guest.senders}) >= limit:
            raise Refused(f"{limit} clients are connected, see max-clients")
        self._budget.admit(uid)

    def detach(self, client: Client, reason: str) -> None:
        """Forget a client whose connection has ended."""
        self.clients.remove(client)
        self._budget.let_go(client.uid)
        self.log.info(
            "client {client} left: {reason}", client=client.label, reason=reason
        )
        self.client_left(client)
        self._end_when_empty()

    def let_go(self, transports: Collection[Transport]) -> None:
        """End the connections of the clients that these transports are."""
        for client in list(self.clients):
            if client.is_on(transports):
                client.close()

    def dispatch(self, peer: Peer, message: Message) -> None:
        """Have the filters judge a message that came in, and act on that."""
        if self._stopping:
            return
        outcome = self._filters.judge("in", peer, message)
        if isinstance(outcome, Pending):
            peer.wait_for(message, outcome)
        else:
            self.judged(peer, message, outcome)

    def judged(self, peer: Peer, message: Message, outcome: Message | Dropped) -> None:
        """Give a message to the handler that owns its type, unless it was dropped."""
        if isinstance(outcome, Dropped):
            self._note_drop("of", peer, message, outcome)
            self._drop(peer, message, outcome)
        else:
            self._filters.tell("in", peer, outcome)
            self.features.received(peer, outcome)

    def refuse(self, peer: Peer, number: int, payload: bytes, reason: str) -> None:
        """Have the owner of a message that cannot be read answer for it."""
        self._drop(peer, Unknown(number, payload), Dropped("", reason))

    def settled(self, peer: Peer, sending: Sending, dropped: Dropped | None) -> None:
        """Take note of what was sent to *peer*, and have drops made up for."""
        if dropped is None and not self._filters.audited:
            return
        message = sending.message or sending.original
        source = sending.source if isinstance(sending.source, Peer) else None
        self._filters.tell(
            "out",
            peer,
            message,
            dropped=dropped,
            account=sending.account,
            source=None if source is peer else source,
        )
        if dropped is not None:
            self._note_drop("to", peer, message, dropped)
            self._turn.later(partial(self._withhold, peer, message, dropped))

    def later(self, call: Callable[[], None]) -> None:
        """Call back when no plugin is at work."""
        self._turn.later(call)

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
        for client in self.clients:
            client.withdraw_offer()
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

    def offer_to_guest(self, told: Callable[[Capabilities], None]) -> None:
        """Call back with what the guest is to be told."""

        def judged(left: Capabilities | None) -> None:
            offer = left or Capabilities()
            told(offer if _SELECTION in offer else offer - _BY_DEMAND)

        self._make_offer(self.guest, self.features.offer_to_guest(), judged)

    def _offer(self, client: Client) -> None:
        late = False

        def judged(left: Capabilities | None) -> None:
            client.offer(FILES_DISABLED if left is None else left)
            client.send_early()
            if late:
                client.process_events()

        self._make_offer(client, self.features.offer_to_client(client), judged)
        late = True

    def _make_offer(
        self,
        peer: Peer,
        offer: Capabilities,
        judged: Callable[[Capabilities | None], None],
    ) -> None:
        """Call back with what filters leave of an offer, None if they drop it."""
        announcement = AnnounceCapabilities(1, offer.to_words())

        def settled(outcome: Message | Dropped) -> None:
            if isinstance(outcome, Dropped):
                self._note_drop("to", peer, announcement, outcome)
                self._filters.tell("out", peer, announcement, dropped=outcome)
                judged(None)
            else:
                # A message is replaced by one of its class alone.
                left = cast("AnnounceCapabilities", outcome)
                self._filters.tell("out", peer, left)
                judged(left.capabilities)

        peer.make_offer(announcement, settled)

    def _drop(self, peer: Peer, message: Message, dropped: Dropped) -> None:
        self._filters.tell("in", peer, message, dropped=dropped)
        with self._filters.on_account_of(dropped):
            self.features.dropped(peer, message, dropped.reason)

    def _withhold(self, peer: Peer, message: Message, dropped: Dropped) -> None:
        with self._filters.on_account_of(dropped):
            self.features.withheld(peer, message, dropped.reason)

    def _note_drop(
        self, way: str, peer: Peer, message: Message, dropped: Dropped
    ) -> None:
        self.counters["dropped"] += 1
        by = f" by filter {dropped.filter}" if dropped.filter else ""
        self.log.info(
            "{message} {way} {client} dropped{by}: {reason}",
            message=message_name(message.number),
            way=way,
            client=peer.label,
            by=by,
            filter=dropped.filter,
            reason=dropped.reason,
        )

    def _seen_by(self, mount: Mount[Any]) -> PluginsVM:
        return PluginsVM(self, mount)

    def _end_when_empty(self) -> None:
        if self._stopping and not self.clients and not self._ended.called:
            self.log.close()
            self._ended.callback(None)


def _brought(installed: Sequence[Installed[Handler]]) -> Iterator[type[Message]]:
    """Yield the message classes that handlers bring of their own."""
    for plugin in installed:
        for message in plugin.plugin.messages:
            if message not in STANDARD:
                yield isolated(message)


def _shown(uid: int | None) -> str:
    return "unknown" if uid is None else str(uid)
