"""Which clipboard messages a policy lets pass, to and from a client."""

from __future__ import annotations

import pytest

from tests.filters.judging import (
    FILE_LIST,
    JPG,
    MAY_RECEIVE,
    MAY_SEND,
    PNG,
    TEXT,
    UNHEARD_OF,
    Judged,
    judged,
)
from vdproxy.api import (
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    Drop,
    MaxClipboard,
    Replace,
)
from vdproxy.filters.policy import Options

SELECTIONS = range(3)

#: What hands something over, in any layout and selection.
GIVING = [
    *(ClipboardGrab(selection, (TEXT,)) for selection in SELECTIONS),
    ClipboardGrab(0, (TEXT, PNG), 3),
    ClipboardGrab(0, ()),
    *(Clipboard(selection, TEXT, b"x") for selection in SELECTIONS),
    Clipboard(0, 0, b"a message that calls itself nothing"),
]
ASKING = [
    *(ClipboardRequest(selection, TEXT) for selection in SELECTIONS),
    ClipboardRequest(0, UNHEARD_OF),
    ClipboardRequest(0, 0),
]

#: What says nothing but that there is nothing, and limits.
HARMLESS = [
    *(Clipboard(selection, 0, b"") for selection in SELECTIONS),
    Clipboard(0, TEXT, b""),
    Clipboard(0, UNHEARD_OF, b""),
    *(ClipboardRelease(selection) for selection in SELECTIONS),
    MaxClipboard(-1),
    MaxClipboard(0),
]

each_clipboard = pytest.mark.parametrize("clipboard", MAY_SEND)


@each_clipboard
def test_a_client_gives_and_is_asked_where_it_may_send(clipboard):
    policy = judged(clipboard=clipboard)
    verdict = None if MAY_SEND[clipboard] else Drop(f"clipboard is {clipboard}")
    assert [policy.incoming("client", m) for m in GIVING] == [verdict] * len(GIVING)
    assert [policy.outgoing("client", m) for m in ASKING] == [verdict] * len(ASKING)


@each_clipboard
def test_a_client_is_given_and_asks_where_it_may_receive(clipboard):
    policy = judged(clipboard=clipboard)
    verdict = None if MAY_RECEIVE[clipboard] else Drop(f"clipboard is {clipboard}")
    assert [policy.outgoing("client", m) for m in GIVING] == [verdict] * len(GIVING)
    assert [policy.incoming("client", m) for m in ASKING] == [verdict] * len(ASKING)


@pytest.mark.parametrize("message", HARMLESS, ids=repr)
@each_clipboard
def test_whoever_waits_can_be_told_that_there_is_nothing(clipboard, message):
    policy = judged(clipboard=clipboard, clipboard_types=("png",), clipboard_max=1)
    assert policy.incoming("client", message) is None
    assert policy.outgoing("client", message) is None


@pytest.mark.parametrize("message", [*GIVING, *ASKING, *HARMLESS], ids=repr)
def test_the_guest_is_not_judged(message):
    policy = judged(clipboard="none", clipboard_types=("jpg",), clipboard_max=1)
    assert policy.incoming("guest", message) is None
    assert policy.outgoing("guest", message) is None


def test_each_client_is_judged_by_its_own_options():
    policy = Judged(
        copies=Options(clipboard="to-guest"), pastes=Options(clipboard="from-guest")
    )
    grab, request = ClipboardGrab(0, (TEXT,)), ClipboardRequest(0, TEXT)
    assert policy.incoming("copies", grab) is None
    assert policy.outgoing("pastes", grab) is None
    assert policy.incoming("pastes", request) is None
    assert policy.outgoing("copies", request) is None
    assert policy.outgoing("copies", grab) == Drop("clipboard is to-guest")
    assert policy.incoming("pastes", grab) == Drop("clipboard is from-guest")


@pytest.mark.parametrize(
    ("allowed", "types", "left"),
    [
        (("any",), (TEXT, UNHEARD_OF, 0), (TEXT, UNHEARD_OF, 0)),
        (("png", "any"), (TEXT, UNHEARD_OF), (TEXT, UNHEARD_OF)),
        (("text",), (TEXT,), (TEXT,)),
        (("text",), (), ()),
        (("text",), (PNG, TEXT, JPG), (TEXT,)),
        (("png", "jpg"), (JPG, TEXT, PNG, FILE_LIST), (JPG, PNG)),
        (("text", "file-list"), (FILE_LIST, PNG, UNHEARD_OF, 0), (FILE_LIST,)),
        (("text", "png", "bmp", "tiff", "jpg"), tuple(range(7)), (1, 2, 3, 4, 5)),
        (("text",), (PNG,), None),
        (("text",), (PNG, JPG, UNHEARD_OF), None),
        (("text",), (0,), None),
    ],
)
def test_a_grab_keeps_the_types_that_are_allowed(allowed, types, left):
    policy = judged(clipboard_types=allowed)
    if left is None:
        verdict = Drop("clipboard-types has none of its types")
    elif left == types:
        verdict = None
    else:
        verdict = Replace(ClipboardGrab(1, left, 9))
    grab = ClipboardGrab(1, types, 9)
    assert policy.incoming("client", grab) == verdict
    assert policy.outgoing("client", grab) == verdict


@pytest.mark.parametrize(
    ("type", "name"),
    [
        (0, "type 0"),
        (1, "text"),
        (2, "png"),
        (3, "bmp"),
        (4, "tiff"),
        (5, "jpg"),
        (6, "file-list"),
        (UNHEARD_OF, "type 77"),
        (2**32 - 1, "type 4294967295"),
    ],
)
def test_data_pass_in_the_types_that_are_allowed(type, name):
    messages = [Clipboard(2, type, b"x"), ClipboardRequest(2, type)]
    for allowed in ("text", "png", "bmp", "tiff", "jpg", "file-list", "any"):
        policy = judged(clipboard_types=(allowed,))
        passes = allowed in (name, "any")
        verdict = None if passes else Drop(f"clipboard-types has no {name}")
        for message in messages:
            assert policy.incoming("client", message) == verdict
            assert policy.outgoing("client", message) == verdict


@pytest.mark.parametrize(
    ("type", "name"), [(TEXT, "text"), (PNG, "png"), (UNHEARD_OF, "type 77")]
)
def test_data_pass_up_to_their_largest_size(type, name):
    policy = judged(clipboard_max=1000)
    fits, too_large = (Clipboard(0, type, bytes(n)) for n in (1000, 1001))
    verdict = Drop(f"{name} of 1001 bytes is over clipboard-max")
    assert policy.incoming("client", fits) is None
    assert policy.outgoing("client", fits) is None
    assert policy.incoming("client", too_large) == verdict
    assert policy.outgoing("client", too_large) == verdict


def test_the_way_is_judged_before_the_type_and_that_before_the_size():
    large = Clipboard(0, PNG, b"12")
    options = {"clipboard_types": ("text",), "clipboard_max": 1}
    for clipboard, reason in (
        ("none", "clipboard is none"),
        ("both", "clipboard-types has no png"),
    ):
        policy = judged(clipboard=clipboard, **options)
        assert policy.incoming("client", large) == Drop(reason)
