"""Notifications reach those who can show them, and harm nobody."""

import struct

import pytest

from vdproxy.api import (
    AnnounceCapabilities,
    Capabilities,
    Drop,
    Filter,
    Layout,
    LocalProtocolError,
    RemoteProtocolError,
    Replace,
    Unknown,
)
from vdproxy.testing import LINUX_AGENT, SPICE_GTK, Installed, ModelVM, logged
from vdproxy_notify.handler import Options, make
from vdproxy_notify.message import NOTIFICATIONS, Notification

DONE = Notification("Build", "It is done: ✓")
AGENT = LINUX_AGENT | Capabilities.of(NOTIFICATIONS)
CLIENT = SPICE_GTK | Capabilities.of(NOTIFICATIONS)


class Judge(Filter):
    """Gives one verdict on all notifications, on one of their ways."""

    def __init__(self, way, verdict):
        setattr(self, way, self.judge)
        self.verdict = verdict

    def judge(self, peer, message):
        return self.verdict if isinstance(message, Notification) else None


class Hiding(Filter):
    """Hides the capability from the guest, or from all clients."""

    def __init__(self, from_guest):
        self.from_guest = from_guest

    def start(self, vm):
        self.vm = vm

    def outgoing(self, peer, message):
        announces = isinstance(message, AnnounceCapabilities)
        if announces and (peer is self.vm.guest) is self.from_guest:
            others = message.capabilities - Capabilities.of(NOTIFICATIONS)
            return Replace(AnnounceCapabilities(message.request, others.to_words()))
        return None


def notifying(*, agent=AGENT, filters=(), keep=20):
    """Return a VM with the handler, and its agent up."""
    options = Options(keep)
    vm = ModelVM([Installed("notify", make(options), options)], filters)
    vm.agent.come_up(agent)
    return vm


def shown(peer):
    """Return the notifications that have come to a peer."""
    return [m for m in peer.heard() if isinstance(m, Notification)]


def numbered(count):
    return [Notification(f"{number}", "") for number in range(count)]


def test_every_client_that_can_shows_what_the_guest_says():
    vm = notifying()
    first, unable, second = vm.client(CLIENT), vm.client(), vm.client(CLIENT)
    vm.agent.say(DONE)
    assert shown(first) == shown(second) == [DONE]
    assert shown(unable) == shown(vm.client(CLIENT)) == []


def test_the_guest_alone_shows_what_a_client_says():
    vm = notifying()
    client, other = vm.client(CLIENT), vm.client(CLIENT)
    client.say(DONE)
    assert shown(vm.agent) == [DONE]
    assert shown(client) == shown(other) == []


def test_a_client_is_shown_the_capability_if_the_agent_has_it():
    assert NOTIFICATIONS in notifying().client(CLIENT).told
    assert NOTIFICATIONS not in notifying(agent=LINUX_AGENT).client(CLIENT).told


def test_an_agent_that_cannot_is_told_nothing():
    vm = notifying(agent=LINUX_AGENT)
    client = vm.client(CLIENT)
    client.say(DONE)
    assert shown(vm.agent) == []
    assert not client.transport.losing


@pytest.mark.parametrize("agent_can", [True, False])
def test_what_a_peer_says_without_the_capability_goes_nowhere(agent_can):
    vm = notifying(agent=AGENT if agent_can else LINUX_AGENT)
    able, unable = vm.client(CLIENT), vm.client()
    (unable if agent_can else vm.agent).say(DONE)
    assert shown(vm.agent) == shown(able) == []
    assert not unable.transport.losing


def test_what_nobody_can_show_is_kept_for_the_first_that_can():
    vm = notifying()
    vm.agent.say(DONE)
    assert shown(vm.client()) == []
    assert shown(vm.client(CLIENT)) == [DONE]
    assert shown(vm.client(CLIENT)) == []


def test_a_client_that_has_left_shows_nothing():
    vm = notifying()
    vm.client(CLIENT).leave()
    vm.agent.say(DONE)
    assert shown(vm.client(CLIENT)) == [DONE]


def test_what_is_kept_outlives_the_agent():
    vm = notifying()
    vm.agent.say(DONE)
    vm.agent.leave()
    client = vm.client(CLIENT, negotiated=False)
    vm.agent.come_up(AGENT)
    client.negotiate()
    assert shown(client) == [DONE]


@pytest.mark.parametrize("keep", [0, 3])
def test_the_newest_are_kept(keep):
    vm = notifying(keep=keep)
    vm.agent.say(*numbered(5))
    assert shown(vm.client(CLIENT)) == numbered(5)[5 - keep :]


@pytest.mark.parametrize("keep", [-1, 1025])
def test_more_cannot_be_kept(keep):
    with pytest.raises(ValueError, match="keep: "):
        Options(keep)


def test_a_flood_of_one_peer_ends_and_others_are_heard():
    vm = notifying()
    client, other = vm.client(CLIENT), vm.client(CLIENT)
    client.say(*numbered(25))
    assert shown(vm.agent) == numbered(20)
    other.say(DONE)
    assert shown(vm.agent) == [DONE]
    vm.agent.say(DONE)
    assert shown(client) == [DONE]
    vm.advance(10)
    client.say(DONE)
    assert shown(vm.agent) == [DONE]


@pytest.mark.parametrize("way", ["incoming", "outgoing"])
def test_what_a_filter_drops_is_shown_nowhere_and_kept_for_nobody(way):
    vm = notifying(filters=[Judge(way, Drop("no news is good news"))])
    client = vm.client(CLIENT)
    with logged() as events:
        client.say(DONE)
        vm.agent.say(DONE)
    assert shown(vm.agent) == shown(client) == []
    assert len(events.having("no news is good news")) == 2
    assert not events.having("failed")
    client.leave()
    assert shown(vm.client(CLIENT)) == []


@pytest.mark.parametrize("from_guest", [True, False])
def test_a_peer_that_a_filter_hides_the_capability_from_takes_no_part(from_guest):
    vm = notifying(filters=[Hiding(from_guest)])
    client = vm.client(CLIENT)
    vm.agent.say(DONE)
    client.say(DONE)
    assert shown(vm.agent) == shown(client) == []


def test_a_filter_may_change_the_words():
    redacted = Notification("Build", "…")
    vm = notifying(filters=[Judge("outgoing", Replace(redacted))])
    client = vm.client(CLIENT)
    vm.agent.say(DONE)
    assert shown(client) == [redacted]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\1\0\0",
        struct.pack("<I", 4) + b"abc",
        struct.pack("<I", 2**32 - 1),
        struct.pack("<I", 1) + b"\xff",
        struct.pack("<I", 1) + "é".encode(),
    ],
)
def test_what_is_no_notification_is_shown_nowhere(payload):
    vm = notifying()
    client = vm.client(CLIENT)
    for peer in (client, vm.agent):
        peer.feed(spelled(payload))
    assert shown(vm.agent) == shown(client) == []
    client.say(DONE)
    vm.agent.say(DONE)
    assert shown(vm.agent) == shown(client) == [DONE]


def test_one_that_is_too_large_ends_the_connection_of_a_client_alone():
    vm = notifying()
    client, other = vm.client(CLIENT), vm.client(CLIENT)
    client.feed(spelled(bytes(Notification.max_size + 1)))
    assert client.transport.losing
    vm.agent.say(DONE)
    assert shown(other) == [DONE]


def test_one_of_the_guest_that_is_too_large_has_the_agent_asked_anew():
    vm = notifying()
    client = vm.client(CLIENT)
    vm.agent.feed(spelled(bytes(Notification.max_size + 1)))
    assert not vm.hub.guest.up
    vm.agent.negotiate()
    vm.agent.say(DONE)
    assert shown(client) == [DONE]


def spelled(payload):
    """Return the bytes of a message whose payload nobody has checked."""
    return ModelVM().client(negotiated=False).spell(Unknown(1100, payload))


def test_a_notification_is_spelled_as_the_readme_says():
    payload = b"\2\0\0\0" + "é".encode() + b"body"
    assert Notification("é", "body").encode(Layout()) == payload
    assert Notification.decode(payload, Layout()) == Notification("é", "body")


def test_an_empty_one_is_one():
    assert Notification.decode(bytes(4), Layout()) == Notification("", "")


def test_nothing_too_large_is_sent():
    vm = notifying()
    client = vm.client(CLIENT)
    with pytest.raises(LocalProtocolError):
        client.peer.send(Notification("", "x" * Notification.max_size))


def test_a_title_that_is_cut_off_is_told_as_that():
    with pytest.raises(RemoteProtocolError, match="a title of 4 bytes in 3"):
        Notification.decode(b"\4\0\0\0abc", Layout())
