"""Other handlers and filters for a VM that runs: who stays, who goes, who comes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.hub.doubles import PINGS, Ping, Raises, Recorder, Relay, World, up_world
from tests.hub.faults import (
    SLOW,
    WITH_PINGS,
    Auditing,
    Picky,
    Slow,
    chain,
    dropping,
    hangs,
    installed,
    on,
    ping,
)
from vdproxy.handlers.capabilities import CapabilitiesHandler
from vdproxy.handlers.clipboard.handler import ClipboardHandler, ClipboardOptions
from vdproxy.handlers.file_transfer import FileTransferHandler
from vdproxy.hub.access import Access
from vdproxy.hub.isolation import Installed
from vdproxy.hub.verdicts import Drop, Replace
from vdproxy.makers import NoOptions
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.constants import ClipboardType, FileXferStatusResult
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    FileXferStart,
    FileXferStatus,
    MaxClipboard,
    Unknown,
)

TEXT = ClipboardType.VD_AGENT_CLIPBOARD_UTF8_TEXT
CANCELLED = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CANCELLED


def as_installed(handler):
    return Installed(type(handler).__name__, handler, NoOptions())


def reinstall(world, *handlers, filters=()):
    """Have these and the negotiator of *world* be its handlers."""
    plugins = [as_installed(h) for h in (world.negotiator, *handlers)]
    world.hub.reinstall(plugins, filters)


def test_a_handler_that_stays_is_told_nothing():
    stays = Recorder(Ping)
    world = up_world(stays)
    world.ready_client()
    stays.forget()
    reinstall(world, stays)
    assert stays.calls == []


def test_one_that_goes_is_stopped_and_owns_nothing_any_more():
    goes = Recorder(Ping, relayed=PINGS)
    world = World(goes)
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)
    goes.forget()
    reinstall(world)
    assert goes.calls == [("stop",)]
    client.say(ping(1))
    assert goes.calls == [("stop",)]


def test_one_that_comes_is_started_and_told_who_is_there():
    world = up_world()
    client = world.ready_client()
    world.client()
    comes = Recorder(Ping)
    reinstall(world, comes)
    assert comes.calls == [
        ("start",),
        ("guest_up", world.guest.capabilities),
        ("client_ready", client.peer),
    ]


def test_one_that_comes_while_no_agent_is_up_is_told_of_none():
    world = World()
    comes = Recorder(Ping)
    reinstall(world, comes)
    assert comes.calls == [("start",)]


def test_the_old_one_has_stopped_before_the_new_one_starts():
    order = []

    class Named(Recorder):
        def _note(self, *call):
            order.append((self, call[0]))

    old, new = Named(Ping), Named(Ping)
    world = World(old)
    reinstall(world, new)
    assert order == [(old, "start"), (old, "stop"), (new, "start")]


def test_its_message_classes_are_known_as_soon_as_it_is_there():
    world = World()
    world.guest.come_up(WITH_PINGS)
    comes = Relay(Ping, relayed=PINGS)
    reinstall(world, comes)
    client = world.ready_client(WITH_PINGS)
    client.say(ping(1))
    assert comes.told("received") == [("received", client.peer, ping(1))]
    reinstall(world)
    seen = Auditing()
    reinstall(world, filters=[installed("audit", seen)])
    client.say(ping(2))
    assert [d.message for d in seen.decisions] == [Unknown(200, b"2")]


def test_who_waits_for_a_handler_that_goes_is_answered():
    clipboard, files = ClipboardHandler(ClipboardOptions()), FileTransferHandler()
    world = up_world(clipboard, files)
    client = world.ready_client()
    world.guest.say(ClipboardGrab(0, (TEXT,), 0))
    client.say(ClipboardRequest(0, TEXT), FileXferStart(7, "a.txt", 4))
    client.heard()
    world.guest.heard()
    reinstall(world, ClipboardHandler(ClipboardOptions()), FileTransferHandler())
    nothing, release = Clipboard(0, 0, b""), ClipboardRelease(0)
    assert client.heard() == [FileXferStatus(7, CANCELLED), nothing, release]
    told = world.guest.heard()
    assert FileXferStatus(1, CANCELLED) in told
    assert [type(m) for m in told] == [FileXferStatus, MaxClipboard]


def test_clients_and_the_agent_are_told_what_there_is_to_offer_now():
    world = World()
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)
    reinstall(world, Relay(Ping, relayed=PINGS))
    (to_guest,) = world.guest.heard()
    assert isinstance(to_guest, AnnounceCapabilities)
    assert (to_guest.request, to_guest.capabilities & PINGS) == (0, PINGS)
    (to_client,) = client.heard()
    assert isinstance(to_client, AnnounceCapabilities)
    assert (to_client.request, to_client.capabilities & PINGS) == (1, PINGS)
    reinstall(world)
    (to_guest,) = world.guest.heard()
    assert isinstance(to_guest, AnnounceCapabilities)
    assert to_guest.capabilities & PINGS == Capabilities()


def test_nobody_is_told_anything_if_the_offer_is_the_same():
    world = up_world(Recorder(Ping))
    client = world.ready_client()
    world.guest.heard()
    reinstall(world, Recorder(Ping))
    assert (world.guest.heard(), client.heard()) == ([], [])


def test_an_agent_that_has_not_answered_is_told_once_it_has():
    world = World()
    world.guest.connect()
    (question,) = world.guest.heard()
    reinstall(world, Relay(Ping, relayed=PINGS))
    assert world.guest.heard() == []
    world.guest.announce(0, WITH_PINGS)
    (told,) = world.guest.heard()
    assert PINGS.bits & ~question.capabilities.bits
    assert (told.request, told.capabilities & PINGS) == (0, PINGS)


def test_a_withdrawn_handler_is_not_at_work():
    breaks = Raises(Ping, broken=["received", "dropped"])
    world = up_world(breaks)
    client = world.ready_client(WITH_PINGS)
    plugin = as_installed(breaks)
    assert world.hub.employs(plugin)
    client.say(*[ping(n) for n in range(5)])
    assert not world.hub.employs(plugin)


def test_a_new_handler_that_cannot_start_is_withdrawn_as_ever():
    world = up_world()
    breaks = Raises(Ping, broken=["start"])
    reinstall(world, breaks)
    assert breaks.told("guest_up", "client_ready") == []
    assert not world.hub.features.owns(Ping.number)


def test_the_negotiator_can_be_replaced_too():
    world = up_world()
    client = world.ready_client()
    world.guest.heard()
    world.negotiator = CapabilitiesHandler()
    reinstall(world)
    world.guest.start_anew()
    assert client.heard() == []
    assert world.hub.guest.up


def test_filters_are_asked_in_their_new_order():
    asked = []
    first, second = (
        on("in", lambda message, name=name: asked.append(name), Ping)
        for name in ("first", "second")
    )
    one, two = installed("one", first), installed("two", second)
    world, client = chain(one, two)
    client.say(ping(1))
    world.hub.reinstall(world_handlers(world), [two, one])
    client.say(ping(2))
    assert asked == ["first", "second", "second", "first"]
    assert (first.stopped, second.stopped) == (0, 0)


def world_handlers(world):
    return [as_installed(h) for h in world.hub.features.handlers]


def refilter(world, *filters):
    """Have other filters and the same handlers."""
    world.hub.reinstall(world_handlers(world), filters)


def test_a_filter_that_goes_is_stopped_and_asked_no_more():
    goes = dropping("in", Ping)
    world, client = chain(installed("guard", goes))
    refilter(world)
    client.say(ping(1))
    assert goes.stopped == 1
    assert ping(1) not in goes.asked["in"]
    assert world.guest.heard() == [ping(1)]


def test_a_filter_that_comes_is_asked_about_the_next_message():
    world, client = chain()
    refilter(world, installed("guard", dropping("in", Ping)))
    client.say(ping(1))
    assert world.guest.heard() == []


def test_what_a_filter_had_not_decided_is_asked_of_its_successor():
    old = Slow(only="in")
    world, client = chain(installed("guard", old, closed=True))
    client.say(ping(1))
    assert client.peer.in_question == ping(1)
    refilter(world, installed("guard", on("in", lambda m: Drop("no"), Ping)))
    assert client.peer.in_question is None
    assert world.guest.heard() == []
    refilter(world)
    client.say(ping(2))
    assert world.guest.heard() == [ping(2)]


def test_what_waits_for_a_filter_that_goes_passes_without_it():
    old = Slow(only="out")
    world, client = chain(installed("guard", old, closed=True))
    client.say(ping(1), ping(2))
    assert world.guest.heard() == []
    refilter(world)
    assert world.guest.heard() == [ping(1), ping(2)]


def test_those_asked_already_are_not_asked_again():
    early, late = (on("in", lambda message: None) for _ in range(2))
    slow = Picky(only="in")
    one, two, three = (installed(str(n), f) for n, f in enumerate((early, slow, late)))
    world, client = chain(one, two)
    client.say(SLOW)
    refilter(world, three, two, one)
    refilter(world, two, three, one)
    slow.about(SLOW).say(None)
    assert early.asked["in"].count(SLOW) == 1
    assert slow.asked["in"].count(SLOW) == 1
    assert late.asked["in"].count(SLOW) == 1
    assert world.guest.heard() == [SLOW]


def test_after_two_reinstallations_it_is_still_known_who_was_asked():
    early = on("in", lambda message: None)
    slow, slower = Picky(only="in"), Picky(only="in")
    one, two, three = (
        installed(str(n), f) for n, f in enumerate((early, slow, slower))
    )
    world, client = chain(one, two)
    client.say(SLOW)
    refilter(world, two, three, one)
    slow.about(SLOW).say(None)
    refilter(world, three, two, one)
    slower.about(SLOW).say(None)
    counts = [filter.asked["in"].count(SLOW) for filter in (early, slow, slower)]
    assert counts == [1, 1, 1]
    assert world.guest.heard() == [SLOW]


def test_an_offer_that_waits_for_a_filter_that_goes_is_made():
    slow = Slow(AnnounceCapabilities, only="out")
    world = World(filters=[installed("guard", slow)])
    world.guest.connect()
    assert world.guest.heard() == []
    refilter(world)
    (question,) = world.guest.heard()
    assert isinstance(question, AnnounceCapabilities)


def test_offers_are_judged_by_the_new_filters():
    world = World(Relay(Ping, relayed=PINGS))
    world.guest.come_up(WITH_PINGS)
    client = world.ready_client(WITH_PINGS)

    def without(message):
        left = message.capabilities - PINGS
        return Replace(replace(message, caps=left.to_words()))

    refilter(world, installed("guard", on("out", without, AnnounceCapabilities)))
    (offer,) = client.heard()
    assert offer.capabilities & PINGS == Capabilities()


def test_a_benched_filter_is_not_at_work():
    plugin = installed("guard", on("in", hangs, Ping), closed=True)
    world, client = chain(plugin)
    assert world.hub.employs(plugin)
    for number in range(5):
        client.say(ping(number))
        world.wait(6)
    assert not world.hub.employs(plugin)
    refilter(world, installed("guard", on("in", lambda m: None, Ping), closed=True))
    client.say(ping("again"))
    assert world.guest.heard() == [ping("again")]


@pytest.mark.parametrize("slow", [False, True])
def test_a_hundred_reinstallations_leave_nothing_behind(slow):
    world, client = chain(installed("guard", Slow() if slow else dropping("in")))
    files, clipboard = FileTransferHandler, ClipboardHandler
    before = None
    for number in range(100):
        if slow:
            client.say(ping(number))
        filters = [installed("guard", Slow() if slow else dropping("in"))]
        handlers = [files(), clipboard(ClipboardOptions()), Relay(Ping, relayed=PINGS)]
        reinstall(world, *handlers, filters=filters)
        client.heard(), world.guest.heard()
        size = (
            len(world.clock.getDelayedCalls()),
            len(world.hub.features.handlers),
            len(world.hub._filters.seats),
        )
        before = before or size
    assert size <= before


def test_max_message_is_another_from_the_next_message_on():
    world, client = chain()
    world.hub.limits = replace(world.hub.limits, max_message=10)
    assert world.hub._context.codec.limit(Clipboard.number) == 18
    assert client.peer.paused is False


def test_clients_that_are_not_allowed_any_more_are_let_go_of():
    world = up_world()
    ours, root, unknown = (world.ready_client(uid=uid) for uid in (1000, 0, None))
    world.hub.access = Access(uids=frozenset([1000]))
    assert [c.transport.losing for c in (ours, root, unknown)] == [False, True, True]


def test_what_a_handler_kept_counts_no_more_when_it_goes():
    keeps = Recorder(Ping)
    world = up_world(keeps)
    keeps.vm.keeps(10 * 1024 * 1024)
    assert world.hub.share.used == 10 * 1024 * 1024
    reinstall(world, Recorder(Ping))
    assert world.hub.share.used == 0
    keeps.vm.keeps(10 * 1024 * 1024)
    assert world.hub.share.used == 0
