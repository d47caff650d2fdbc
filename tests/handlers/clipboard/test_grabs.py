from __future__ import annotations

import pytest

from tests.handlers.clipboard.desks import (
    BY_DEMAND,
    CLIENTS,
    FILE_LIST,
    JPG,
    NONE,
    PNG,
    TEXT,
    DeskWorld,
    all_heard,
    asked,
    desks,
    given,
    grabbed,
    released,
)
from tests.hub.doubles import GTK
from tests.link.frames import LINUX, WINDOWS
from vdproxy.handlers.clipboard import Options, make
from vdproxy.interfaces import IMessageHandler
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    MaxClipboard,
)

each_word = pytest.mark.parametrize("word", CLIENTS.values(), ids=CLIENTS)
each_guest = pytest.mark.parametrize("guest", [LINUX, WINDOWS], ids=["linux", "win"])
each_way_in = pytest.mark.parametrize(
    "one_by_one", [False, True], ids=["whole", "bytes"]
)

#: GTK without anything of the clipboard.
NO_CLIPBOARD = GTK & ~Capabilities.of(5, 6, 16, 17).bits


def test_it_says_what_it_is():
    handler = make(Options())
    assert IMessageHandler.providedBy(handler)
    assert handler.messages == (
        Clipboard,
        ClipboardGrab,
        ClipboardRequest,
        ClipboardRelease,
        MaxClipboard,
    )
    assert handler.relayed == Capabilities.of(8, 9, 10)
    assert handler.provided == Capabilities.of(5, 6, 16, 17)


def test_by_default_clients_share_the_clipboard_and_no_other_selection():
    assert Options() == Options(("clipboard",), share_between_clients=True)


@each_guest
@each_word
@each_way_in
def test_a_grab_of_the_guest_is_told_to_every_client(guest, word, one_by_one):
    world, *clients = desks(word, GTK, guest=guest)
    world.guest.grab(TEXT, PNG, one_by_one=one_by_one)
    assert all_heard(*clients) == [[grabbed(TEXT, PNG)]] * 2
    assert world.guest.heard() == []


@each_guest
@each_word
@each_way_in
def test_a_grab_of_a_client_is_told_to_the_guest_and_all_others(
    guest, word, one_by_one
):
    """H15."""
    world, owner, *others = desks(word, GTK, BY_DEMAND, guest=guest)
    owner.grab(TEXT, PNG, one_by_one=one_by_one)
    told = [grabbed(TEXT, PNG)]
    assert all_heard(world.guest, *others) == [told] * 3
    assert owner.heard() == []


def test_what_stands_behind_a_grab_in_the_same_read_counts_after_it():
    world, first, second = desks(GTK, GTK)
    world.guest.grab()
    first.heard()
    whole = first.spell(asked(), first.stamped(PNG), asked(PNG))
    first.feed(whole[:-3])
    assert world.guest.heard() == [asked(), grabbed(PNG)]
    assert first.heard() == [NONE], "what it waited for is gone"
    first.feed(whole[-3:])
    assert first.heard() == [NONE], "an owner has nothing to ask for"
    assert second.heard() == [grabbed(), grabbed(PNG)]


def test_from_owner_to_owner_there_are_grabs_only():
    """H17."""
    world, first, second, other = desks(GTK, GTK, GTK)
    first.grab(TEXT)
    second.grab(PNG)
    assert world.guest.heard() == [grabbed(TEXT), grabbed(PNG)]
    assert first.heard() == [grabbed(PNG)]
    world.guest.grab(JPG)
    first.grab(TEXT)
    assert world.guest.heard() == [grabbed(TEXT)]
    assert first.heard() == [grabbed(JPG)]
    assert second.heard() == [grabbed(TEXT), grabbed(JPG), grabbed(TEXT)]
    assert other.heard() == [grabbed(types) for types in (TEXT, PNG, JPG, TEXT)]


def test_a_grab_of_the_same_owner_is_told_again_for_there_is_something_new():
    world, owner, other = desks(GTK, GTK)
    for grabber in (owner, world.guest):
        grabber.grab(TEXT)
        grabber.grab(TEXT)
        assert other.heard() == [grabbed(TEXT)] * 2


def test_types_that_nobody_knows_are_told_as_they_are():
    world, client = desks(GTK)
    types = (77, TEXT, 2**32 - 1, *range(10, 39))
    assert len(types) == 32
    world.guest.grab(*types)
    assert client.heard() == [grabbed(*types)]


@pytest.mark.parametrize("word", CLIENTS.values(), ids=CLIENTS)
def test_a_file_list_is_not_offered(word):
    """H36."""
    world, owner, other = desks(word, GTK)
    owner.grab(FILE_LIST, TEXT)
    assert all_heard(world.guest, other) == [[grabbed(TEXT)]] * 2
    world.guest.grab(PNG, FILE_LIST)
    assert all_heard(owner, other) == [[grabbed(PNG)]] * 2


@pytest.mark.parametrize("types", [(FILE_LIST,), (0,), (0, FILE_LIST, FILE_LIST)])
def test_a_grab_of_which_nothing_is_left_is_a_release_for_who_had_been_told(types):
    """H36."""
    world, owner, told = desks(GTK, GTK)
    world.guest.grab(TEXT)
    late = world.ready_client()
    all_heard(owner, told, late)
    owner.grab(*types)
    assert all_heard(told, late) == [[released()]] * 2
    assert world.guest.heard() == [], "it had been told of nothing"
    told.request()
    assert told.heard() == [NONE]
    assert owner.heard() == []


def test_a_grab_of_which_nothing_is_left_is_nothing_to_those_told_of_nothing():
    """H36."""
    world, owner, other = desks(GTK, GTK)
    owner.grab(FILE_LIST)
    owner.grab(FILE_LIST)
    assert all_heard(world.guest, owner, other) == [[], [], []]
    late = world.ready_client()
    world.guest.start_anew()
    owner.release()
    assert all_heard(world.guest, late, other) == [[], [], []]


def test_a_file_list_cannot_be_asked_for():
    """H36."""
    world, client = desks(GTK)
    world.guest.grab(TEXT, FILE_LIST)
    client.heard()
    client.request(FILE_LIST)
    assert client.heard() == [NONE]
    assert world.guest.heard() == []


def test_a_guest_that_offers_files_only_owns_what_a_client_had():
    """H36."""
    world, client, other = desks(GTK, GTK)
    client.grab()
    all_heard(world.guest, other)
    world.guest.grab(FILE_LIST)
    assert all_heard(client, other) == [[], [released()]]
    client.release()
    world.guest.request()
    assert world.guest.heard() == [NONE]
    assert client.heard() == []


def test_a_grab_without_types_ends_what_was_there():
    world, client = desks(GTK)
    world.guest.grab()
    client.heard()
    world.guest.say(ClipboardGrab(0, (), 1))
    assert client.heard() == [released()]


@each_word
def test_one_that_comes_late_is_told_what_the_guest_has(word):
    """H14."""
    world, early = desks(GTK)
    world.guest.grab(TEXT)
    world.guest.grab(PNG, TEXT)
    late = world.client(word)
    assert [type(message) for message in late.heard()] == [AnnounceCapabilities]
    late.announce(0)
    assert late.heard() == [grabbed(PNG, TEXT)]
    late.request()
    assert world.guest.heard() == [asked()]
    world.guest.give(b"x")
    assert late.heard() == [given(b"x")]
    assert early.heard() == [grabbed(TEXT), grabbed(PNG, TEXT)]


def test_one_that_comes_late_is_told_what_a_client_has():
    """H14, H15."""
    world, owner = desks(GTK)
    owner.grab(PNG)
    late = world.client()
    late.heard()
    late.announce(0)
    assert late.heard() == [grabbed(PNG)]
    late.request(PNG)
    assert owner.heard() == [asked(PNG)]


def test_one_that_comes_late_asking_is_answered_before_it_is_told():
    """H14."""
    world = desks()[0]
    world.guest.grab()
    late = world.client()
    late.heard()
    late.announce(1)
    answer, *told = late.heard()
    assert isinstance(answer, AnnounceCapabilities)
    assert not answer.request
    assert told == [grabbed()]


@pytest.mark.parametrize("by", ["release", "leave"])
def test_one_that_comes_late_is_not_told_of_what_is_gone(by):
    world, owner = desks(GTK)
    owner.grab()
    getattr(owner, by)()
    late = world.client()
    late.heard()
    late.announce(0)
    assert late.heard() == []


def test_what_a_client_copied_before_the_agent_came_is_told_to_it():
    """H14."""
    world = DeskWorld()
    early = world.client()
    early.announce(0)
    early.say(ClipboardGrab(0, (TEXT,)))
    world.guest.connect()
    world.guest.heard()
    world.guest.announce(0)
    assert world.guest.heard()[-1] == grabbed()
    assert [type(message) for message in early.heard()] == [AnnounceCapabilities]


def test_without_sharing_between_clients_only_the_guest_is_told():
    world, owner, other = desks(GTK, GTK, share_between_clients=False)
    owner.grab()
    late = world.client()
    late.heard()
    late.announce(0)
    assert world.guest.heard() == [grabbed()]
    assert all_heard(owner, other, late) == [[], [], []]
    for client in (other, late):
        client.request()
        assert client.heard() == [NONE]
    assert owner.heard() == []


def test_without_sharing_between_clients_the_guests_is_gone_when_a_client_grabs():
    """H15."""
    world, owner, other = desks(GTK, GTK, share_between_clients=False)
    world.guest.grab()
    all_heard(owner, other)
    owner.grab()
    assert all_heard(owner, other) == [[], [released()]]
    owner.release()
    assert other.heard() == [], "it was told already"
    assert world.guest.heard() == [grabbed(), released()]


def test_without_sharing_between_clients_the_guest_and_a_client_still_share():
    world, client, other = desks(GTK, GTK, share_between_clients=False)
    world.guest.grab()
    client.request()
    world.guest.give(b"down")
    assert client.heard() == [grabbed(), given(b"down")]
    client.grab()
    world.guest.request()
    client.give(b"up")
    assert world.guest.heard() == [asked(), grabbed(), given(b"up")]
    assert other.heard() == [grabbed(), released()]


@pytest.mark.parametrize("word", [0, NO_CLIPBOARD, Capabilities.of(6, 16, 17).bits])
def test_a_client_without_a_clipboard_is_told_nothing_of_it(word):
    world, owner, without = desks(GTK, word)
    world.guest.grab()
    owner.grab()
    owner.release()
    owner.grab()
    owner.leave()
    world.guest.start_anew()
    world.hub.stop()
    assert without.heard() == []


def test_a_client_without_a_clipboard_owns_nothing():
    world, without, other = desks(NO_CLIPBOARD, GTK)
    world.guest.grab()
    without.grab()
    without.release()
    assert all_heard(world.guest, other) == [[], [grabbed()]]


def test_a_client_without_a_clipboard_is_given_no_data():
    world, without = desks(NO_CLIPBOARD)
    world.guest.grab()
    without.request()
    world.guest.give(b"a secret")
    assert [message for message in without.heard() if message != NONE] == []


def test_a_client_that_has_announced_nothing_is_told_nothing():
    world = desks()[0]
    silent = world.client()
    silent.heard()
    world.guest.grab()
    silent.grab()
    world.guest.release()
    assert all_heard(silent, world.guest) == [[], []]


def test_an_agent_without_a_clipboard_is_told_nothing_of_it():
    world, client, other = desks(GTK, GTK, guest=LINUX & ~Capabilities.of(5).bits)
    client.grab()
    client.release()
    assert world.guest.heard() == []
    assert other.heard() == [grabbed(), released()]
