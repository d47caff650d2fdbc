"""What plugin authors test with does what it says."""

from __future__ import annotations

import doctest
import subprocess
import sys
from dataclasses import dataclass

import pytest

import vdproxy.testing
from tests.link.frames import LINUX, WINDOWS
from vdproxy.api import (
    AnnounceCapabilities,
    Capabilities,
    ClientDisconnected,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    Filter,
    Handler,
    MaxClipboard,
    Message,
    MonitorsConfig,
    NoOptions,
    Refused,
    Reply,
)
from vdproxy.testing import (
    LINUX_AGENT,
    SPICE_GTK,
    WINDOWS_AGENT,
    Installed,
    ModelTransport,
    ModelVM,
    logged,
)
from vdproxy.wire.messages import STANDARD

GRAB = ClipboardGrab(0, (1,))
RACE = "lost a race"
CHATS = Capabilities.of(40)


@dataclass(frozen=True)
class Chat(Message):
    """A message type that the protocol knows nothing of."""

    data: bytes

    number = 200
    max_size = 2000

    @classmethod
    def decode(cls, payload, layout):
        return cls(payload)

    def encode(self, layout):
        return self.data


class Notes(Handler):
    """Owns some message types, greets clients and notes what it is told."""

    relayed = CHATS

    def __init__(self, *messages):
        self.messages = messages
        self.notes = []

    def start(self, vm):
        self.vm = vm

    def guest_up(self, capabilities):
        self.notes.append(capabilities)

    def guest_lost(self):
        self.notes.append("guest lost")

    def client_ready(self, client):
        self.notes.append(client)
        if Chat in self.messages:
            client.send(Chat(b"welcome"))

    def client_left(self, client):
        self.notes.append(f"{client.label} left")

    def received(self, peer, message):
        self.notes.append((peer, message))


class Judge(Filter):
    """Fails on what a client says, where its options say so."""

    def start(self, vm):
        self.vm = vm

    def incoming(self, peer, message):
        if peer is not self.vm.guest and self.vm.options_for(peer) == "strict":
            raise RuntimeError


def up(*handlers, **options):
    """Return a VM whose agent is up and has been listened to, and its client."""
    vm = ModelVM(handlers, **options)
    vm.agent.come_up()
    client = vm.client()
    vm.agent.heard()
    client.heard()
    return vm, client


def owned(handler):
    """Return which of the protocol's types have an owner."""
    return {m for m in STANDARD if handler.vm.owns(m.number)}


def test_the_example_in_the_documentation_works():
    results = doctest.testmod(vdproxy.testing)
    assert results.attempted > 5
    assert not results.failed


def test_it_needs_no_reactor_and_no_pytest():
    text = (
        "import sys; from vdproxy.testing import ModelVM; vm = ModelVM();"
        "vm.agent.come_up(); vm.client();"
        "assert not {'twisted.internet.reactor', 'pytest'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", text], check=True, timeout=60)


def test_the_capabilities_are_those_of_the_real_programs():
    assert LINUX_AGENT.bits == LINUX
    assert WINDOWS_AGENT.bits == WINDOWS
    assert list(SPICE_GTK) == [0, 1, 2, 4, 5, 6, 12, 14, 16, 17]


def test_the_handlers_that_come_along_are_there():
    everything, nothing_else = Notes(), Notes()
    ModelVM([everything])
    ModelVM([nothing_else], builtin=False)
    assert owned(nothing_else) == {AnnounceCapabilities}
    assert set(STANDARD) - owned(everything) == {ClientDisconnected, Reply}


def test_a_given_handler_takes_the_place_of_those_that_own_its_types():
    handler = Notes(ClipboardGrab)
    _, client = up(handler)
    client.say(GRAB)
    assert handler.notes[-1] == (client.peer, GRAB)
    assert not handler.vm.owns(Clipboard.number), "nor is what else they own"
    assert handler.vm.owns(MonitorsConfig.number)


def test_a_plugin_has_the_options_that_it_is_installed_with():
    handler, plain = Notes(), Notes()
    ModelVM([Installed("notes", handler, "mine"), plain])
    assert handler.vm.options == "mine"
    assert plain.vm.options == NoOptions()


def test_options_are_special_to_a_client_and_a_filter_may_be_required():
    judge = Judge()
    special = {("vdi", "ci"): "strict"}
    required = Installed("judge", judge, "mild", special=special, closed=True)
    vm, client = up(filters=[required])
    strict = vm.client(name="ci")
    client.say(GRAB)
    assert vm.agent.heard() == [GRAB]
    strict.say(ClipboardGrab(0, (2,)))
    assert vm.agent.heard() == []


def test_a_filter_that_is_not_required_lets_pass_what_it_fails_on():
    vm, client = up(filters=[Installed("judge", Judge(), "strict")])
    client.say(GRAB)
    assert vm.agent.heard() == [GRAB]


def test_filters_are_asked_in_the_order_given():
    asked = []

    class Asked(Filter):
        def incoming(self, peer, message):
            asked.append(self)

    first, second = Asked(), Asked()
    _, client = up(filters=[first, second])
    asked.clear()
    client.say(GRAB)
    assert asked == [first, second]


def test_the_limits_are_the_hubs():
    vm, client = up(max_clients=1, max_message=10, name="small")
    assert vm.hub.name == "small"
    with pytest.raises(Refused):
        vm.client()
    client.leave()
    vm.agent.come_up()
    assert MaxClipboard(10) in vm.agent.heard()


def test_a_client_has_announced_itself_unless_it_is_not_to():
    handler = Notes()
    vm, client = up(handler)
    silent = vm.client(negotiated=False)
    assert handler.vm.clients == (client.peer,)
    silent.negotiate()
    assert handler.vm.clients == (client.peer, silent.peer)


def test_a_client_is_who_the_test_says():
    vm, client = up()
    named = vm.client(WINDOWS_AGENT, name="ci", frontend="spice", uid=None).peer
    assert (named.name, named.frontend, named.uid) == ("ci", "spice", None)
    assert named.announced == WINDOWS_AGENT
    assert (client.peer.name, client.peer.frontend) == ("", "vdi")
    assert client.peer.announced == SPICE_GTK


def test_a_new_client_hears_what_plugins_say_to_it_and_no_more():
    vm = ModelVM([Notes(Chat)])
    vm.agent.come_up()
    assert vm.client().heard() == [Chat(b"welcome")]


def test_messages_of_a_given_handler_are_read_and_written():
    handler = Notes(Chat)
    vm, client = up(handler)
    client.say(Chat(b"1"), Chat(b"2"))
    vm.hub.guest.send(Chat(b"3"))
    assert handler.notes[-2:] == [(client.peer, Chat(b"1")), (client.peer, Chat(b"2"))]
    assert vm.agent.heard() == [Chat(b"3")]
    assert vm.agent.heard() == []


def test_an_agent_comes_and_goes():
    handler = Notes()
    vm = ModelVM([handler])
    vm.agent.come_up(CHATS)
    assert vm.hub.guest.announced == vm.agent.capabilities == CHATS
    vm.agent.start_anew(WINDOWS_AGENT)
    vm.agent.leave()
    vm.agent.come_up()
    assert handler.notes == [
        CHATS,
        "guest lost",
        WINDOWS_AGENT,
        "guest lost",
        LINUX_AGENT,
    ]


def test_a_client_that_leaves_is_gone():
    handler = Notes()
    _, client = up(handler)
    client.leave()
    assert handler.notes[-1] == "vdi#1 left"
    assert handler.vm.clients == ()


def test_a_client_negotiates_again_when_the_offer_has_changed():
    handler = Notes(Chat)
    vm, client = up(handler)
    vm.agent.start_anew(LINUX_AGENT | CHATS)
    client.capabilities |= CHATS
    client.negotiate()
    assert 40 in client.told
    assert client.layout.agreed(40)
    assert client.peer.announced == SPICE_GTK | CHATS


def test_grabs_need_no_serial_however_they_take_turns():
    vm, client = up()
    with logged() as events:
        for peer, other in [(client, vm.agent), (vm.agent, client)] * 2:
            peer.say(GRAB, GRAB)
            assert other.heard() == [GRAB, GRAB]
    assert not events.having(RACE)


def test_what_a_peer_has_not_been_asked_for_it_has_read_all_the_same():
    vm, client = up()
    client.say(GRAB)
    vm.agent.say(GRAB)
    assert vm.agent.heard() == [GRAB]
    assert client.heard() == [GRAB]


def test_grabs_are_stamped_where_serials_were_agreed_and_only_there():
    vm, client = up()
    old = vm.client(Capabilities.of(5, 6))
    for peer, serial in [(client, b"\0\0\0\0"), (old, b"")]:
        assert peer.spell(GRAB).endswith(b"\0\0\0\0" + serial + b"\1\0\0\0"), (
            "the selection, the serial, the type"
        )
    assert len(client.spell(GRAB)) == len(old.spell(GRAB)) + 4


@pytest.mark.parametrize(
    "begin_anew",
    [
        lambda vm, client: vm.agent.start_anew(),
        lambda vm, client: (vm.agent.leave(), vm.agent.come_up()),
        lambda vm, client: client.announce(1),
        lambda vm, client: (client.announce(1), client.announce(1)),
        lambda vm, client: (vm.agent.start_anew(WINDOWS_AGENT), client.negotiate()),
    ],
    ids=["new agent", "new connection", "question", "new client", "new offer"],
)
@pytest.mark.parametrize("agent_first", [True, False])
def test_serials_follow_what_begins_anew(begin_anew, agent_first):
    vm, client = up()
    for _ in range(2):
        client.say(GRAB)
        vm.agent.say(GRAB)
    vm.agent.say(ClipboardRelease(0))
    begin_anew(vm, client)
    vm.advance(10)  # else clipboards change too often
    vm.agent.heard()
    client.heard()
    peers = (vm.agent, client) if agent_first else (client, vm.agent)
    with logged() as events:
        for peer, other in [peers, peers[::-1]]:
            peer.say(GRAB)
            assert other.heard() == [GRAB]
    assert not events.having(RACE)


def test_a_serial_that_the_test_gives_is_sent_as_it_is():
    _, client = up()
    with logged() as events:
        client.say(ClipboardGrab(0, (1,), serial=7))
    assert len(events.having(RACE)) == 1


def test_bytes_are_read_as_they_are():
    _, client = up()
    client.feed(bytes(40))
    assert client.transport.losing


def test_a_peer_that_does_not_read_is_told_when_it_does():
    handler = Notes(Chat)
    _, client = up(handler)
    client.transport.fill()
    client.peer.send(Chat(b"late"))
    assert client.heard() == []
    client.transport.drain()
    assert client.heard() == [Chat(b"late")]


@pytest.mark.parametrize("seconds", [0.3, 2.0, 0.0])
def test_time_passes_as_far_as_it_is_told_to(seconds):
    vm = ModelVM()
    calls = []
    vm.clock.callLater(seconds, calls.append, "due")
    vm.clock.callLater(seconds + 0.01, calls.append, "not due")
    vm.advance(seconds)
    assert vm.clock.seconds() == seconds
    assert calls == ["due"]


def test_timers_that_set_timers_have_their_time():
    vm = ModelVM()
    times = []

    def again():
        times.append(vm.clock.seconds())
        vm.clock.callLater(1, again)

    again()
    vm.advance(3)
    assert times == [0, 1, 2, 3]


def test_what_is_logged_can_be_read_at_once():
    vm = ModelVM()
    with logged() as events:
        assert events == []
        vm.hub.log.info("{what} happened", what="it")
        assert events.texts == ["vm: it happened"]
    vm.hub.log.info("too late")
    assert len(events) == 1
    assert len(events.having("it happened")) == 1
    assert events.having("nothing") == []
    assert "'what': 'it'" in events.all_there_is


def test_a_connection_may_be_full_from_the_beginning():
    vm, _ = up()
    transport = ModelTransport()
    transport.fill()
    vm.hub.attach(transport, "vdi", "", None)
    assert transport.written == b""
    transport.drain()
    assert transport.written
