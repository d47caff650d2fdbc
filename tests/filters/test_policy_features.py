"""What a policy says of files, monitors and the mouse, and what it has offered."""

from __future__ import annotations

import pytest

from tests.filters.judging import judged
from tests.hub.doubles import GTK
from tests.link.frames import LINUX, WINDOWS
from vdproxy.api import (
    AnnounceCapabilities,
    AudioVolumeSync,
    Capabilities,
    DisplayConfig,
    Drop,
    FileXferData,
    FileXferStart,
    FileXferStatus,
    MonConfig,
    MonitorsConfig,
    MouseState,
    Replace,
    Reply,
    Unknown,
)

START = FileXferStart(1, "a.txt", 100)
DATA = FileXferData(1, b"abc")
MONITORS = MonitorsConfig(0, (MonConfig(1920, 1080),))
MOUSE = MouseState(1, 2, 0, 0)

#: What no option is about.
OTHERS = [
    FileXferStatus(1, 1),
    Reply(2, 1),
    DisplayConfig(1, 32),
    AudioVolumeSync(is_playback=True, mute=False, volume=(1,)),
    Unknown(200, b"x"),
]

CLIPBOARD_BITS = {3, 5, 6, 8, 9, 10, 16, 17}
MONITORS_BITS = {1, 7, 12}
MOUSE_BIT = 0
FILES_DISABLED = 13

ALL_OFF = {"clipboard": "none", "files": False, "monitors": False, "mouse": False}


@pytest.mark.parametrize(
    ("option", "messages"),
    [("files", [START, DATA]), ("monitors", [MONITORS]), ("mouse", [MOUSE])],
)
def test_what_a_client_may_not_do_is_refused(option, messages):
    for message in (START, DATA, MONITORS, MOUSE):
        verdict = Drop(f"{option} is no") if message in messages else None
        assert judged(**{option: False}).incoming("client", message) == verdict


@pytest.mark.parametrize("message", [START, DATA, MONITORS, MOUSE, *OTHERS], ids=repr)
def test_the_rest_is_not_judged(message):
    policy = judged(**ALL_OFF)
    assert policy.outgoing("client", message) is None
    assert policy.incoming("guest", message) is None
    assert policy.outgoing("guest", message) is None
    assert judged().incoming("client", message) is None
    if message in OTHERS:
        assert policy.incoming("client", message) is None


def test_a_file_may_be_as_large_as_the_option_says():
    policy = judged(file_max=4096)
    assert policy.incoming("client", FileXferStart(1, "a", 4096)) is None
    verdict = policy.incoming("client", FileXferStart(1, "a", 4097))
    assert verdict == Drop("file of 4097 bytes is over file-max")


@pytest.mark.parametrize(
    ("patterns", "name", "passes"),
    [
        (("*",), "", True),
        (("*",), ".hidden", True),
        (("*",), "of two\nlines", True),
        (("*.txt", "*.pdf"), "a.txt", True),
        (("*.txt", "*.pdf"), "a.pdf", True),
        (("*.txt", "*.pdf"), "a.txt.exe", False),
        (("*.txt", "*.pdf"), "txt", False),
        (("*.txt",), "a.txt\n", False),
        (("*.txt",), "a.TXT", True),
        (("*.TXT",), "A.txt", True),
        (("*.ÄÖ",), "x.äö", True),
        (("a?b",), "a b", True),
        (("[ab].txt",), "B.txt", True),
        (("[!a]*",), "a", False),
        (("a.txt",), "aXtxt", False),
    ],
)
def test_a_file_may_be_called_what_a_pattern_says(patterns, name, passes):
    verdict = judged(file_names=patterns).incoming("client", FileXferStart(1, name, 1))
    assert verdict == (None if passes else Drop("its name is not among file-names"))


def test_data_are_not_judged_by_what_a_start_says():
    policy = judged(file_max=1, file_names=("*.txt",))
    assert policy.incoming("client", FileXferData(1, b"abc")) is None


def test_what_is_refused_without_files_names_the_option():
    policy = judged(files=False, file_max=1, file_names=("*.pdf",))
    assert policy.incoming("client", START) == Drop("files is no")


def offered(words, **options):
    """Return what is left of an offer, and its form, as the client is told it."""
    announce = AnnounceCapabilities(1, words)
    verdict = judged(**options).outgoing("client", announce)
    if verdict is None:
        return announce
    assert isinstance(verdict, Replace)
    assert verdict.message != announce
    return verdict.message


@pytest.mark.parametrize("word", [LINUX, WINDOWS, GTK, 0, 0xFFFFFFFF])
@pytest.mark.parametrize(
    ("options", "cleared", "added"),
    [
        ({}, set(), set()),
        ({"clipboard": "to-guest"}, set(), set()),
        ({"clipboard": "from-guest"}, set(), set()),
        ({"clipboard_types": ("text",), "clipboard_max": 1}, set(), set()),
        ({"file_max": 1, "file_names": ("a",)}, set(), set()),
        ({"clipboard": "none"}, CLIPBOARD_BITS, set()),
        ({"files": False}, set(), {FILES_DISABLED}),
        ({"monitors": False}, MONITORS_BITS, set()),
        ({"mouse": False}, {MOUSE_BIT}, set()),
        (ALL_OFF, CLIPBOARD_BITS | MONITORS_BITS | {MOUSE_BIT}, {FILES_DISABLED}),
    ],
)
def test_a_client_is_not_offered_what_it_may_not_do(word, options, cleared, added):
    announce = offered((word,), **options)
    before = set(Capabilities(word))
    assert announce.request == 1
    assert set(announce.capabilities) == (before - cleared) | added


def test_capabilities_of_later_words_stay_offered():
    assert offered((0, 0, 1), clipboard="none", files=False).caps == (1 << 13, 0, 1)


def test_the_guest_is_offered_everything():
    announce = AnnounceCapabilities(1, (GTK,))
    assert judged(**ALL_OFF).outgoing("guest", announce) is None
    assert judged(**ALL_OFF).incoming("client", announce) is None


def test_a_message_that_it_knows_nothing_of_is_an_error_and_does_not_pass():
    """A filter that fails closed lets nothing pass that it fails on."""
    with pytest.raises(AttributeError):
        judged().incoming("client", Unknown(7, b"grab"))
