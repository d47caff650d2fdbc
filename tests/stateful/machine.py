"""What may happen to a VM, in any order."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

from tests.stateful.client import KINDS
from tests.stateful.grab import ASKED_TYPES, TYPE_LISTS
from tests.stateful.quiet import check_empty, check_quiet, is_quiet
from tests.stateful.room import SELECTIONS, Room

_MAX_CLIENTS = 5

_which = st.integers(0, 6)
_kinds = st.sampled_from(["gtk", *KINDS])
_agents = st.sampled_from(
    ["linux", "linux", "windows", "linux", "windows", "greeter", "bare"]
)
_selections = st.sampled_from([0, 0, 0, 1, 2])
_ports = st.sampled_from([1, 1, 2])
_sizes = st.sampled_from([40, 40, 40, 3000, 70_000, 600_000])
_offers = st.sampled_from(
    [SELECTIONS[:1], SELECTIONS[:2], SELECTIONS, SELECTIONS[:1], SELECTIONS]
)
_answers = st.sampled_from(["then", "then", "now", "none", "other"])
_seconds = st.sampled_from([0.5, 0.1, 0.1, 0.5, 1.0, 2.0, 2.7, 6.0, 31.0])

_has_connection = precondition(lambda self: self.connected)
_has_live_agent = precondition(lambda self: self.connected and self.agent.alive)
_has_client = precondition(lambda self: self.room.clients)
_has_ready_client = precondition(lambda self: self.ready_clients)
_has_room = precondition(lambda self: len(self.room.clients) < _MAX_CLIENTS)
_has_speaker = precondition(lambda self: self.speakers)


class Machine(RuleBasedStateMachine):
    """Clients and agents that do what they may, whenever they may."""

    room: Room

    @initialize(
        offered=_offers,
        share=st.booleans(),
        owner=st.sampled_from(["last", "last", "first", "c1", "c3"]),
        agent=_agents,
        kinds=st.lists(_kinds, min_size=1, max_size=4),
        up=st.sampled_from([1, 2, 1, 2, 0]),
    )
    def begin(self, offered, share, owner, agent, kinds, up):
        self.room = Room(offered, share=share, owner_rule=owner)
        if up:
            self.room.connect(agent)
        for kind in kinds:
            self.room.arrive(kind, asks=bool(up % 2))
        self._done()

    # Who does something.

    @property
    def agent(self):
        return self.room.agent

    @property
    def connected(self):
        return self.agent is not None and self.agent.connected

    @property
    def ready_clients(self):
        return [client for client in self.room.clients if client.ready]

    @property
    def speakers(self):
        """Those who can talk about clipboards."""
        agents = [self.agent] if self.connected and self.agent.can_grab else []
        return [p for p in [*agents, *self.ready_clients] if p.reaches(0)]

    @property
    def pasters(self):
        """Those who know of something to paste: who, what selection, its types."""
        return [
            (peer, selection, heard.view.offered[:-1])
            for peer in self.speakers
            for selection, heard in peer.clipboards.items()
            if peer.ready and heard.view and heard.view.owner is not peer
        ]

    def _one(self, among, which):
        return among[which % len(among)]

    def _done(self):
        self.room.settle()
        if is_quiet(self.room):
            check_quiet(self.room)

    # Clients come, go and announce themselves.

    @_has_room
    @rule(kind=_kinds, asks=st.booleans())
    def a_client_comes(self, kind, asks):
        self.room.arrive(kind, asks=asks)
        self._done()

    @_has_client
    @rule(which=_which, how=st.sampled_from(["leaves", "asks", "announces", "resets"]))
    def a_client_changes(self, which, how):
        client = self._one(self.room.clients, which)
        if how == "leaves":
            self.room.depart(client)
        elif how == "asks" and not client.waits:
            client.ask()
        elif how == "announces" and client.current:
            # That of one that is not current might be taken for an answer.
            client.announce()
        elif how == "resets" and client.ready:
            client.say_disconnected()
        self._done()

    # How fast somebody is.

    @rule(which=_which, asleep=st.booleans())
    def somebody_does_not_read(self, which, asleep):
        peers = self.room.peers
        if peers:
            peer = self._one(peers, which)
            if asleep:
                peer.asleep = True
            else:
                peer.wire.fill()
        self._done()

    @precondition(lambda self: not all(p.current for p in self.room.peers))
    @rule(which=_which)
    def somebody_reads(self, which):
        peers = [p for p in self.room.peers if not p.current]
        peer = self._one(peers, which)
        peer.drain()
        peer.wake()
        if not (peer is self.agent and not peer.alive):
            peer.finish()
        self._done()

    @rule(seconds=_seconds)
    def time_passes(self, seconds):
        self.room.wait(seconds)
        self._done()

    # Clipboards.

    @_has_speaker
    @rule(which=_which, selection=_selections, types=st.sampled_from(TYPE_LISTS))
    def somebody_grabs(self, which, selection, types):
        peer = self._one(self.speakers, which)
        if peer.reaches(selection):
            peer.grab(selection, types)
        self._done()

    @_has_speaker
    @rule(which=_which, selection=_selections)
    def somebody_releases(self, which, selection):
        owners = [p for p in self.speakers if p.owns(selection)]
        peer = self._one((which % 3 and owners) or self.speakers, which)
        if peer.reaches(selection):
            peer.release(selection)
        self._done()

    @_has_speaker
    @rule(which=_which, selection=_selections, kind=st.sampled_from(ASKED_TYPES))
    def somebody_pastes_anything(self, which, selection, kind):
        peer = self._one(self.speakers, which)
        if peer.reaches(selection) and peer.ready:
            peer.paste(selection, kind)
        self._done()

    @precondition(lambda self: self.pasters)
    @rule(which=_which, kind=_which, times=st.sampled_from([1, 1, 1, 2]))
    def somebody_pastes(self, which, kind, times):
        peer, selection, types = self._one(self.pasters, which)
        for _ in range(times):
            peer.paste(selection, self._one(types, kind))
        self._done()

    @_has_speaker
    @rule(owner=_which, other=_which, types=st.sampled_from(TYPE_LISTS[:3]))
    def somebody_copies_and_another_pastes(self, owner, other, types):
        self._one(self.speakers, owner).grab(0, types)
        self._done()
        peer = self._one(self.speakers, other)
        if peer.ready:
            peer.paste(0, types[-1])
        self._done()

    @precondition(lambda self: any(p.pending for p in self.speakers))
    @rule(which=_which, how=_answers, size=_sizes, half=st.integers(0, 5))
    def somebody_answers(self, which, how, size, half):
        peer = self._one([p for p in self.speakers if p.pending], which)
        peer.answer(which, how, size, half=half == 5)
        self._done()

    # Files.

    @_has_ready_client
    @rule(which=_which, id=st.integers(1, 2), size=st.sampled_from([0, 80, 9_000_000]))
    def a_client_starts_a_file(self, which, id, size):
        self._one(self.ready_clients, which).start(id, size)
        self._done()

    @precondition(lambda self: any(c.transfers for c in self.ready_clients))
    @rule(which=_which, size=_sizes, cancels=st.integers(0, 3))
    def a_client_goes_on_with_a_file(self, which, size, cancels):
        client = self._one([c for c in self.ready_clients if c.transfers], which)
        if cancels == 3:
            client.cancel(which)
        else:
            client.send_data(which, size)
        self._done()

    @precondition(lambda self: self.connected and self.agent.live and self.agent.alive)
    @rule(which=_which, result=st.sampled_from([0, 0, 0, 1, 2, 3, 4, 5]))
    def the_agent_tells_of_a_file(self, which, result):
        self.agent.tell_status(self._one(list(self.agent.live), which), result)
        self._done()

    @precondition(lambda self: self.connected and self.agent.known and self.agent.alive)
    @rule(which=st.integers(0, 100), result=st.integers(0, 4))
    def the_agent_tells_of_any_file(self, which, result):
        self.agent.tell_status(self._one(list(self.agent.known), which), result)
        self._done()

    # Devices.

    @_has_ready_client
    @rule(which=_which, physical=st.booleans(), port=_ports)
    def a_client_wishes_for_monitors(self, which, physical, port):
        client = self._one(self.ready_clients, which)
        client.monitors(self.room.number(), physical=physical, port=port)
        self._done()

    @_has_ready_client
    @rule(
        which=_which,
        what=st.sampled_from(["mouse", "mouse", "display", "limit", "sound", "device"]),
        value=st.sampled_from([0, 2, 4, 100]),
    )
    def a_client_tells_of(self, which, what, value):
        client = self._one(self.ready_clients, which)
        if what == "mouse":
            client.mouse(self.room.number(), value & 6)
        elif what == "display":
            client.display(self.room.number(), 1 + value // 4 % 2)
        elif what == "limit":
            client.max_clipboard(-1 if value == 2 else value)
        elif what == "sound":
            client.audio(self.room.number())
        else:
            client.device(self.room.number())
        self._done()

    # The guest.

    @_has_live_agent
    @rule(replies=st.sampled_from([True, False, None]))
    def the_agent_replies_so(self, replies):
        self.agent.replies = replies
        self._done()

    @_has_connection
    @rule(
        how=st.sampled_from(["dies", "ends", "restarts", "leaves", "nothing"]),
        kind=_agents,
    )
    def the_guest_changes(self, how, kind):
        if how == "leaves":
            self.room.disconnect()
        elif how != "nothing":
            if self.agent.alive:
                self.agent.die(cleanly=how == "ends")
            if how == "restarts":
                self.room.restart(kind)
        self._done()

    @precondition(lambda self: not (self.connected and self.agent.alive))
    @rule(kind=_agents, same=st.booleans())
    def the_guest_comes(self, kind, same):
        if self.agent is not None and same:
            kind = self.agent.kind
        if self.connected:
            self.room.restart(kind)
        else:
            self.room.connect(kind)
        self._done()

    # The end.

    def teardown(self):
        if not hasattr(self, "room"):
            return
        try:
            self._end()
        finally:
            self.room.close()

    def _end(self):
        room = self.room
        for peer in room.peers:
            peer.drain()
            peer.wake()
            if peer is not self.agent or peer.alive:
                peer.finish()
        self._done()
        room.wait(6.0)
        self._done()
        if not self.connected:
            room.connect("linux")
        elif not self.agent.alive:
            room.restart("linux")
        self._done()
        room.wait(31.0)
        assert is_quiet(room), "not all have heard all"
        check_quiet(room)
        assert all(peer.owed.nothing for peer in room.peers)
        assert not any(client.hub_side.paused for client in room.clients)
        for client in list(room.clients):
            room.depart(client)
            self._done()
        room.disconnect()
        check_empty(room)
        room.hub.stop()
        assert room.clock.getDelayedCalls() == []
