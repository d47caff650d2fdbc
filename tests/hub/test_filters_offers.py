"""Announcements, which filters judge when an offer is made."""

from __future__ import annotations

import pytest

from tests.hub.doubles import GTK, PINGS, Ping, Relay, World, logged, up_world
from tests.hub.faults import SECRET, WITH_PINGS, Judge, Slow, dropping, on, ping
from tests.link.frames import announce
from vdproxy.handlers.clipboard import Options, make
from vdproxy.handlers.file_transfer import FileTransferHandler
from vdproxy.hub.verdicts import Replace
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRequest,
)

DISABLED = Capabilities.of(13)
NOTHING = Capabilities()
ONE = ping(1)
NONE = Clipboard(0, 0, b"")


def offers(end):
    """Return what an end has been offered since it was asked last."""
    heard = end.heard()
    return [m.capabilities for m in heard if isinstance(m, AnnounceCapabilities)]


def world_of(*filters, up=True, **options):
    """Return a world with pings and a clipboard."""
    handlers = Relay(Ping, relayed=PINGS), make(Options())
    world = World(*handlers, filters=filters, **options)
    if up:
        world.guest.come_up(WITH_PINGS)
    return world


def clearing(bits, *, name=None):
    """Return a filter that takes *bits* from what a client is offered."""

    def judge(way, peer, message):
        if way == "in" or not isinstance(message, AnnounceCapabilities):
            return None
        left = message.capabilities - (bits if name in (None, peer.name) else NOTHING)
        return Replace(AnnounceCapabilities(1, left.to_words()))

    return Judge(judge)


def slow_offers(**options):
    """Return a world whose guest is up, and the filter that keeps clients waiting."""
    slow = Slow(AnnounceCapabilities, only="out")
    world = world_of(slow, up=False, **options)
    world.guest.connect()
    slow.questions.pop().say()
    world.guest.capabilities = Capabilities(WITH_PINGS)
    world.guest.negotiate()
    return world, slow


def test_bits_are_cleared_for_one_client_only():
    world = world_of(clearing(PINGS, name="ci"))
    ci, other = world.client(name="ci"), world.client(name="desk")
    (less,), (all_of_it,) = offers(ci), offers(other)
    assert all_of_it - less == PINGS
    assert not less - all_of_it


def test_what_was_cleared_counts_as_not_offered():
    world = world_of(clearing(PINGS, name="ci"))
    client = world.ready_client(WITH_PINGS, name="ci")
    assert not client.peer.offered & PINGS
    assert not client.peer.agreed(40)


def test_what_one_filter_leaves_the_next_is_asked_about():
    world = world_of(clearing(PINGS), later := Judge(lambda *_: None))
    world.client()
    assert not later.asked["out"][-1].capabilities & PINGS


def test_file_transfers_may_be_taken_away():
    def judge(way, peer, message):
        if isinstance(message, AnnounceCapabilities) and way == "out":
            offer = message.capabilities | DISABLED
            return Replace(AnnounceCapabilities(1, offer.to_words()))
        return None

    for filters, disabled in ([], NOTHING), ([Judge(judge)], DISABLED):
        world = up_world(FileTransferHandler(), filters=filters)
        assert offers(world.client())[0] & DISABLED == disabled


@pytest.mark.parametrize("bit", [0, 14, 41, 100])
def test_nothing_else_may_be_added(bit):
    def judge(way, peer, message):
        if isinstance(message, AnnounceCapabilities) and way == "out":
            offer = message.capabilities | Capabilities.of(bit)
            return Replace(AnnounceCapabilities(1, offer.to_words()))
        return None

    plain = offers(world_of().client())
    with logged() as lines:
        assert offers(world_of(Judge(judge)).client()) == plain
    assert lines.having("it would add capabilities to an announcement")


def test_a_drop_offers_a_client_nothing():
    world = world_of(dropping("out", AnnounceCapabilities))
    client = world.client()
    assert offers(client) == [DISABLED]
    client.announce(0)
    client.say(ClipboardRequest(0, 1))
    assert client.heard() == [NONE]


def test_a_drop_offers_the_guest_nothing():
    world = world_of(dropping("out", AnnounceCapabilities), up=False)
    world.guest.connect()
    assert offers(world.guest) == [Capabilities()]


def test_the_guest_is_never_offered_by_demand_without_selection():
    world = world_of(clearing(Capabilities.of(6)), up=False)
    world.guest.connect()
    (offer,) = offers(world.guest)
    assert not offer & Capabilities.of(5, 6)
    assert PINGS & offer


def test_a_client_may_be_offered_by_demand_without_selection():
    world = world_of(clearing(Capabilities.of(6)))
    (offer,) = offers(world.client())
    assert offer & Capabilities.of(5, 6) == Capabilities.of(5)


def test_an_answer_to_a_question_is_what_was_offered():
    world = world_of(clearing(PINGS))
    client = world.client()
    (offer,) = offers(client)
    client.announce(1)
    assert offers(client) == [offer]


# Offers that take their time


def test_an_offer_is_made_when_filters_have_decided():
    world, slow = slow_offers()
    client = world.client(WITH_PINGS)
    assert client.heard() == []
    slow.questions[0].say()
    assert len(offers(client)) == 1
    client.announce(0)
    world.guest.say(ONE)
    assert client.heard() == [ONE]


def test_clients_that_are_offered_at_once_do_not_wait_for_others():
    world, slow = slow_offers()
    client, other = world.client(), world.client()
    slow.about(slow.questions[1].message, other.peer).say()
    assert client.heard() == []
    assert len(offers(other)) == 1


def test_what_a_client_asks_before_it_is_offered_anything_is_answered_after_that():
    world, slow = slow_offers()
    client = world.client()
    client.announce(1)
    client.say(ClipboardRequest(0, 1))
    assert client.heard() == []
    slow.questions[0].say()
    asked, answered, *others = client.heard()
    assert (asked.request, answered.request) == (1, 0)
    assert others == [NONE]


def test_a_client_that_was_ready_before_its_offer_is_brought_up_to_date():
    world, slow = slow_offers()
    world.guest.say(ClipboardGrab(0, (1,), 0))
    client = world.client()
    client.announce(1)
    slow.questions[0].say()
    *_, grab = client.heard()
    assert grab == ClipboardGrab(0, (1,), 0)


def test_an_offer_that_another_has_replaced_is_not_made():
    world, slow = slow_offers()
    client = world.client(WITH_PINGS)
    world.hub.renegotiate()
    old, new = slow.questions
    less = AnnounceCapabilities(1, PINGS.to_words())
    old.say()
    assert client.heard() == []
    new.say(Replace(less))
    assert offers(client) == [PINGS]


def test_an_offer_is_not_made_once_the_agent_is_lost():
    world, slow = slow_offers()
    client = world.client()
    world.guest.leave()
    slow.questions[0].say()
    assert client.heard() == []


def test_an_offer_is_made_for_the_next_agent():
    world, slow = slow_offers()
    client = world.client()
    world.guest.start_anew(WITH_PINGS)
    *stale, newest = slow.questions
    for question in stale:
        question.say()
    assert client.heard() == []
    newest.say()
    assert len(offers(client)) == 1


def test_an_offer_to_a_client_that_has_left_is_not_made():
    world, slow = slow_offers()
    client = world.client()
    client.leave()
    with logged() as lines:
        slow.questions[0].say()
    assert client.heard() == []
    assert not lines


def test_an_offer_is_made_when_a_hanging_filter_has_had_its_time():
    world, _ = slow_offers()
    client = world.client()
    world.wait(4.9)
    assert client.heard() == []
    world.wait(0.2)
    assert len(offers(client)) == 1


def slow_beginning():
    """Return a world whose guest has connected, and the filter that it waits for."""
    slow = Slow(AnnounceCapabilities, only="out")
    world = world_of(slow, up=False)
    world.guest.connect()
    return world, slow


def test_the_guest_is_read_when_filters_have_decided_what_it_is_told():
    world, slow = slow_beginning()
    assert not world.guest.transport.reading
    assert world.guest.heard() == []
    assert world.hub.guest.state == "down"
    slow.questions[0].say()
    assert world.guest.transport.reading
    assert len(offers(world.guest)) == 1
    world.guest.feed(announce(0, WITH_PINGS & 0xFFFFFFFF))
    assert world.hub.guest.up


def test_a_guest_that_leaves_before_it_is_told_anything_is_forgotten():
    world, slow = slow_beginning()
    world.guest.leave()
    world.guest.connect()
    first, second = slow.questions
    first.say()
    assert world.guest.heard() == []
    second.say()
    assert len(offers(world.guest)) == 1


def test_what_clients_send_before_the_guest_is_told_anything_is_answered():
    world, slow = slow_beginning()
    client = world.client()
    client.announce(1)
    client.say(ClipboardRequest(0, 1))
    slow.questions[0].say()
    world.guest.capabilities = Capabilities(WITH_PINGS)
    world.guest.negotiate()
    slow.questions[-1].say()
    assert client.heard()[-1] == NONE


def test_what_clients_announce_is_judged_when_it_comes_in():
    plugin = on("in", lambda message: None, AnnounceCapabilities)
    world = world_of(plugin)
    client = world.ready_client(GTK)
    assert plugin.asked["in"][-1].capabilities == client.capabilities


def test_a_failure_on_an_offer_leaves_nothing_of_it_in_the_log():
    def judge(message):
        raise ValueError(SECRET)

    with logged() as lines:
        world = world_of(on("out", judge, AnnounceCapabilities))
        assert len(offers(world.client())) == 1
    assert SECRET not in lines.all_there_is
    assert lines.having("failed on a VD_AGENT_ANNOUNCE_CAPABILITIES to vdi#1")
