"""A hub with all its handlers, a model agent and model clients around it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from twisted.logger import formatEvent, globalLogPublisher

from tests.hub.doubles import World
from tests.stateful.agent import ModelAgent
from tests.stateful.client import ModelClient
from tests.stateful.files import Transfer
from tests.stateful.grab import TAG, Grab
from vdproxy.handlers import clipboard
from vdproxy.handlers.audio import AudioHandler
from vdproxy.handlers.display import DisplayHandler
from vdproxy.handlers.file_transfer import FileTransferHandler
from vdproxy.handlers.graphics_device import GraphicsDeviceHandler
from vdproxy.handlers.monitors import MonitorsHandler
from vdproxy.handlers.mouse import MouseHandler
from vdproxy.hub.client import Client
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import Message

SELECTIONS = ("clipboard", "primary", "secondary")
_STEP = 0.1

#: Log lines of which there are none while everybody keeps to the protocol.
_COMPLAINTS = ("failed: ", " sent a bad ", "disconnected: ", "is withdrawn")


class Room:
    """
    Everybody, and what is known of what they have said.

    ``seen`` counts messages by direction, kind of peer and type. ``progress`` is
    when the last bytes came of data that were sent in parts.
    """

    def __init__(
        self, selections: tuple[str, ...], *, share: bool, owner_rule: str
    ) -> None:
        self.seen: Counter[tuple[str, str, str]] = Counter()
        self.share = share
        self.owner_rule = owner_rule
        self.selections = {SELECTIONS.index(name) for name in selections}
        self.clipboard = clipboard.make(
            clipboard.Options(selections=selections, share_between_clients=share)  # type: ignore[arg-type]
        )
        self.handlers = [
            self.clipboard,
            FileTransferHandler(),
            MonitorsHandler(owner_rule),
            MouseHandler(),
            DisplayHandler(owner_rule),
            AudioHandler(owner_rule),
            GraphicsDeviceHandler(),
        ]
        self._complaints: list[str] = []
        globalLogPublisher.addObserver(self._observe)
        # Whoever does not read stays: other tests are about those who are let go.
        world = World(*self.handlers, max_stall=1e9)
        self.clock, self.hub = world.clock, world.hub
        self.codec = Codec()
        self.agent: ModelAgent | None = None
        self.clients: list[ModelClient] = []
        self.grabs: list[Grab] = []
        self.transfers: list[Transfer] = []
        self.upstream_ids: set[int] = set()
        self.wished: dict[int, ModelClient] = {}
        self.progress = 0.0
        self.connections = 0
        self._numbers = 0

    def close(self) -> None:
        globalLogPublisher.removeObserver(self._observe)

    def _observe(self, event: dict[str, Any]) -> None:
        line = str(event.get("log_format"))
        if any(complaint in line for complaint in _COMPLAINTS):
            self._complaints.append(formatEvent(event))

    @property
    def now(self) -> float:
        return self.clock.seconds()

    @property
    def peers(self) -> list[Any]:
        agents = [self.agent] if self.agent is not None else []
        return [*agents, *self.clients]

    def number(self) -> int:
        """Return a number that nothing else has."""
        self._numbers += 1
        return self._numbers

    def count(self, direction: str, peer: Any, message: Message) -> None:
        self.seen[direction, _kind(peer), type(message).__name__] += 1

    def count_pasted(self, peer: Any) -> None:
        self.seen["data", _kind(peer), "pasted"] += 1

    # Clipboards.

    def new_grab(self, owner: Any, selection: int, types: tuple[int, ...]) -> Grab:
        number = len(self.grabs)
        types = (*types, TAG + number) if any(t in (1, 2) for t in types) else types
        self.grabs.append(Grab(number, owner, selection, types))
        return self.grabs[-1]

    def may_paste(self, peer: Any, owner: Any) -> bool:
        return peer is not owner and (
            self.share or self.agent in (peer, owner) or not _are_clients(peer, owner)
        )

    def hub_view(self, selection: int) -> Any:
        """Return what the hub knows of a selection."""
        return self.clipboard._selections[selection]

    def grabbed(self, grab: Grab) -> None:
        """Take note of whom a GRAB that was taken ends the ownership of, untold."""
        if grab.selection not in self.selections:
            return
        view = self.hub_view(grab.selection)
        if grab.owner.hub_side not in (view._owner, *view._gate._held):
            return
        for peer in self.peers:
            other = peer.clipboards[grab.selection].view
            if (
                other is not None
                and other.owner is peer
                and peer is not grab.owner
                and not (grab.offered and self.may_paste(peer, grab.owner))
            ):
                other.superseded = True

    # Files.

    def new_transfer(self, client: ModelClient, id: int, size: int) -> Transfer:
        self.transfers.append(Transfer(len(self.transfers), client, id, size))
        return self.transfers[-1]

    # Time, and what everybody makes of what they are told.

    def settle(self) -> None:
        """Let everybody hear what was said, and check what holds at any time."""
        heard = True
        while heard:
            self._come_back()
            # All of them, so that nobody waits for somebody who talks a lot.
            heard = sum(peer.hear() for peer in self.peers) > 0
        for peer in self.peers:
            peer.check()
        assert not self._complaints, self._complaints

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / _STEP)):
            self.clock.advance(_STEP)
            self.settle()

    # Who comes and goes.

    def arrive(self, kind: str, *, asks: bool) -> ModelClient:
        client = ModelClient(self, self.number(), kind, asks=asks)
        self.clients.append(client)
        return client

    def depart(self, client: ModelClient) -> None:
        self.clients.remove(client)
        client.wire.transport.losing = True
        if client.wire.transport.producer is not None:
            client.wire.transport.producer.stopProducing()
        client.hub_side.disconnected("gone")

    def connect(self, kind: str) -> None:
        """Have the hub connect to a guest with an agent of that kind."""
        self.connections += 1
        agent = self.agent
        if agent is None or agent.kind != kind or not agent.is_linux or not agent.alive:
            agent = self.agent = ModelAgent(self, kind)
            agent.connect()
            agent.begin()
        else:
            agent.wire = type(agent.wire)(self.codec)
            agent.connect()

    def _come_back(self) -> None:
        """Have the hub connect anew where it has ended the connection for that."""
        agent = self.agent
        if agent is not None and agent.connected and agent.wire.transport.aborted:
            self.disconnect()
            if agent.alive:
                self.connect(agent.kind)

    def restart(self, kind: str) -> None:
        """Have a new agent on the connection of the one that has died."""
        assert self.agent is not None
        wire, cut_short = self.agent.wire, self.agent.cut_short
        wire.drain()
        self.agent = ModelAgent(self, kind)
        # What it says first is taken for the rest of what was begun, for a while.
        self.agent.unnoticed = self.agent.cut_short = cut_short
        self.agent.wire = wire
        self.agent.connected = True
        # What was written up to now went to the former agent.
        wire.discard()
        self.agent.begin()

    def disconnect(self) -> None:
        assert self.agent is not None
        transport = self.agent.wire.transport
        transport.losing = True
        self.agent.lose_host()
        if transport.producer is not None:
            transport.producer.stopProducing()
        self.hub.guest.disconnected("gone")


def _kind(peer: Any) -> str:
    return "agent" if isinstance(peer, ModelAgent) else "client"


def _are_clients(*peers: Any) -> bool:
    return all(isinstance(peer.hub_side, Client) for peer in peers)
