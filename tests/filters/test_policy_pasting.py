"""Copy and paste under a policy: who is told what, and that nobody waits in vain."""

from __future__ import annotations

import pytest

from tests.filters.ruled import (
    DESKS,
    EMPTY,
    JPG,
    NONE,
    PNG,
    TEXT,
    Ruled,
    all_heard,
)
from vdproxy.api import (
    Capabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    MaxClipboard,
)
from vdproxy.filters.policy import Options
from vdproxy.testing import WINDOWS_AGENT

GRAB = ClipboardGrab(0, (TEXT,))
REQUEST = ClipboardRequest(0, TEXT)
RELEASE = ClipboardRelease(0)
DATA = Clipboard(0, TEXT, b"secret")

each_desk = pytest.mark.parametrize("desk", DESKS.values(), ids=DESKS)
cannot_send = pytest.mark.parametrize("clipboard", ["from-guest", "none"])
cannot_receive = pytest.mark.parametrize("clipboard", ["to-guest", "none"])


def with_desk(desk, **options):
    """Return a VM, a client under these options, and one that may do everything."""
    vm = Ruled(ruled=Options(**options))
    clients = vm.desk("ruled", desk), vm.desk("free")
    vm.agent.heard()
    return vm, *clients


@each_desk
@cannot_send
def test_a_client_that_may_not_send_owns_nothing(desk, clipboard):
    vm, ruled, free = with_desk(desk, clipboard=clipboard)
    ruled.say(GRAB)
    assert all_heard(vm.agent, ruled, free) == [[], [RELEASE], []]
    ruled.say(DATA)
    vm.agent.say(REQUEST)
    free.say(REQUEST)
    assert all_heard(vm.agent, ruled, free) == [[NONE], [], [NONE]]


@each_desk
@cannot_send
def test_its_data_are_no_answer_to_what_another_was_asked(desk, clipboard):
    vm, ruled, free = with_desk(desk, clipboard=clipboard)
    free.say(GRAB)
    vm.agent.say(REQUEST)
    all_heard(vm.agent, ruled, free)
    ruled.say(DATA)
    assert vm.agent.heard() == []
    free.say(Clipboard(0, TEXT, b"free"))
    assert vm.agent.heard() == [Clipboard(0, TEXT, b"free")]


@each_desk
@cannot_receive
def test_a_client_that_may_not_receive_is_told_of_nothing(desk, clipboard):
    vm, ruled, free = with_desk(desk, clipboard=clipboard)
    vm.agent.say(GRAB)
    assert all_heard(ruled, free) == [[], [GRAB]]
    ruled.say(REQUEST)
    assert all_heard(vm.agent, ruled) == [[], [NONE]]
    free.say(REQUEST)
    vm.agent.say(DATA)
    assert all_heard(vm.agent, ruled, free) == [[REQUEST], [], [DATA]]
    ruled.say(REQUEST)
    assert all_heard(vm.agent, ruled) == [[], [NONE]], "kept for others, not for it"


@each_desk
def test_a_client_that_may_do_neither_learns_nothing_by_copying(desk):
    vm, ruled, free = with_desk(desk, clipboard="none")
    vm.agent.say(ClipboardGrab(0, (TEXT, PNG)))
    free.heard()
    ruled.say(GRAB)
    assert ruled.heard() in ([], [RELEASE])
    assert all_heard(vm.agent, free) == [[], []]
    free.say(ClipboardRequest(0, PNG))
    assert vm.agent.heard() == [ClipboardRequest(0, PNG)]


def test_a_client_learns_only_of_types_that_are_allowed_by_copying_others():
    vm, ruled, _ = with_desk(DESKS["gtk"], clipboard_types=("text",))
    vm.agent.say(ClipboardGrab(0, (TEXT, PNG)))
    assert ruled.heard() == [GRAB]
    ruled.say(ClipboardGrab(0, (JPG,)))
    assert ruled.heard() == [GRAB]


@each_desk
def test_a_client_that_may_only_send_does_so(desk):
    vm, ruled, free = with_desk(desk, clipboard="to-guest")
    ruled.say(GRAB)
    vm.agent.say(REQUEST)
    assert ruled.heard() == [REQUEST]
    ruled.say(DATA)
    assert all_heard(vm.agent, free) == [[GRAB, DATA], [GRAB]]
    ruled.say(RELEASE)
    vm.advance(1)
    assert all_heard(vm.agent, ruled, free) == [[RELEASE], [], [RELEASE]]


@each_desk
def test_a_client_that_may_only_receive_does_so(desk):
    vm, ruled, _ = with_desk(desk, clipboard="from-guest")
    vm.agent.say(GRAB)
    ruled.say(REQUEST)
    vm.agent.say(DATA)
    assert all_heard(vm.agent, ruled) == [[REQUEST], [GRAB, DATA]]


@pytest.mark.parametrize(
    ("copies", "pastes", "works"),
    [
        ("to-guest", "from-guest", True),
        ("both", "both", True),
        ("from-guest", "from-guest", False),
        ("to-guest", "to-guest", False),
        ("none", "both", False),
        ("both", "none", False),
    ],
)
def test_pasting_from_another_client_needs_both_to_allow_it(copies, pastes, works):
    vm = Ruled(copies=Options(clipboard=copies), pastes=Options(clipboard=pastes))
    one, other = vm.desk("copies"), vm.desk("pastes")
    one.say(GRAB)
    other.say(REQUEST)
    one.say(DATA)
    heard = [GRAB, DATA] if works else [NONE]
    assert other.heard() == heard
    assert (REQUEST in one.heard()) == works


@each_desk
def test_types_that_are_not_allowed_do_not_exist(desk):
    vm, ruled, free = with_desk(desk, clipboard_types=("text",))
    ruled.say(ClipboardGrab(0, (PNG, TEXT)))
    assert all_heard(vm.agent, free) == [[GRAB], [GRAB]]
    vm.agent.say(ClipboardRequest(0, PNG))
    assert all_heard(vm.agent, ruled) == [[NONE], []]
    vm.agent.say(ClipboardGrab(0, (PNG, TEXT)))
    assert all_heard(ruled, free) == [[GRAB], [ClipboardGrab(0, (PNG, TEXT))]]
    ruled.say(ClipboardRequest(0, PNG))
    assert all_heard(vm.agent, ruled) == [[], [NONE]]
    vm.agent.say(ClipboardGrab(0, (PNG,)))
    assert PNG not in [t for m in ruled.heard() for t in getattr(m, "types", ())]


def test_an_answer_in_a_type_that_is_not_allowed_is_nothing():
    vm, ruled, free = with_desk(DESKS["gtk"], clipboard_types=("text",))
    ruled.say(GRAB)
    free.say(REQUEST)
    all_heard(vm.agent, ruled, free)
    ruled.say(Clipboard(0, PNG, b"secret"))
    assert free.heard() == [NONE]
    vm.agent.say(GRAB)
    ruled.say(REQUEST)
    all_heard(vm.agent, ruled)
    vm.agent.say(Clipboard(0, PNG, b"secret"))
    assert ruled.heard() == [NONE]


def test_a_message_that_calls_itself_nothing_carries_nothing():
    vm, ruled, free = with_desk(DESKS["gtk"], clipboard_types=("text",))
    ruled.say(GRAB)
    free.say(REQUEST)
    all_heard(vm.agent, ruled, free)
    ruled.say(Clipboard(0, 0, b"secret"))
    assert free.heard() == [NONE]


def test_what_is_too_large_for_one_client_is_not_for_another():
    vm, ruled, free = with_desk(DESKS["gtk"], clipboard_max=1000)
    vm.agent.say(GRAB)
    all_heard(ruled, free)
    large = Clipboard(0, TEXT, bytes(1001))
    ruled.say(REQUEST)
    free.say(REQUEST)
    vm.agent.say(large)
    assert all_heard(ruled, free) == [[NONE], [large]]


@pytest.mark.parametrize(
    ("agent", "nothing"), [(None, EMPTY), (WINDOWS_AGENT, NONE)], ids=["linux", "win"]
)
def test_the_guest_does_not_wait_for_what_is_too_large(agent, nothing):
    vm, ruled, _ = with_desk(DESKS["gtk"], clipboard_max=1000)
    if agent is not None:
        vm.agent.start_anew(agent)
        ruled.negotiate()
    ruled.say(GRAB)
    vm.agent.say(REQUEST)
    vm.agent.heard()
    ruled.say(Clipboard(0, TEXT, bytes(1001)))
    assert vm.agent.heard() in ([nothing], [NONE])


@each_desk
def test_an_owner_that_copies_what_it_may_not_owns_nothing(desk):
    vm, ruled, free = with_desk(desk, clipboard_types=("text",))
    ruled.say(GRAB)
    vm.agent.say(REQUEST)
    all_heard(vm.agent, ruled, free)
    ruled.say(ClipboardGrab(0, (PNG,)))
    assert all_heard(ruled, free) == [[RELEASE], [RELEASE]]
    assert vm.agent.heard() == [NONE, RELEASE]
    ruled.say(DATA)
    vm.advance(10)
    assert all_heard(vm.agent, free) == [[], []]


@each_desk
def test_a_grab_that_was_refused_does_not_spoil_the_next(desk):
    vm, ruled, free = with_desk(desk, clipboard_types=("text",))
    for types in ((PNG,), (TEXT,), (PNG, JPG), (TEXT, PNG)):
        ruled.say(ClipboardGrab(0, types))
    assert vm.agent.heard() == [GRAB, RELEASE, GRAB]
    vm.agent.say(REQUEST)
    assert ruled.heard() == [RELEASE, RELEASE, REQUEST]
    ruled.say(DATA)
    assert vm.agent.heard() == [DATA]
    assert free.heard() == [GRAB, RELEASE, GRAB]


@each_desk
def test_a_grab_that_was_withheld_does_not_spoil_the_next(desk):
    vm, ruled, free = with_desk(desk, clipboard="to-guest")
    for end in (ruled, vm.agent, ruled, free, ruled):
        end.say(GRAB)
    assert all_heard(vm.agent, ruled) == [[GRAB, GRAB, GRAB, GRAB], []]
    vm.agent.say(REQUEST)
    assert ruled.heard() == [REQUEST]
    ruled.say(DATA)
    assert vm.agent.heard() == [DATA]


@each_desk
@pytest.mark.parametrize("clipboard", ["to-guest", "from-guest", "none"])
def test_what_came_before_the_guest_is_judged_alike(desk, clipboard):
    vm = Ruled(None, ruled=Options(clipboard=clipboard))
    ruled = vm.client(Capabilities(), name="ruled", negotiated=False)
    ruled.say(GRAB, DATA, REQUEST)
    vm.agent.come_up()
    assert NONE in ruled.heard()
    ruled.capabilities = desk
    ruled.announce(0)
    vm.advance(10)
    told = [type(m) for m in vm.agent.heard()]
    assert told == [MaxClipboard]
    assert ruled.heard() == []


def test_a_refusal_is_logged_without_what_it_is_about(log):
    _, ruled, _ = with_desk(DESKS["gtk"], clipboard="from-guest")
    ruled.say(GRAB, DATA)
    assert len(log.of("clipboard is from-guest")) == 2
    assert "secret" not in "".join(map(repr, log.events))
