"""A filter that fails on each message type of the protocol, in each direction."""

from __future__ import annotations

import pytest

from tests.hub.faults import failing
from vdproxy.testing import SPICE_GTK, ModelVM
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import (
    STANDARD,
    AnnounceCapabilities,
    AudioVolumeSync,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    DisplayConfig,
    FileXferData,
    FileXferStart,
    FileXferStatus,
    GraphicsDeviceInfo,
    MaxClipboard,
    MonConfig,
    MonitorsConfig,
    MouseState,
    Reply,
)

EVERYTHING = Capabilities.of(*range(18)) - Capabilities.of(13)


def config():
    return MonitorsConfig(0, (MonConfig(800, 600),))


NONE = Clipboard(0, 0, b"")
EMPTY = Clipboard(0, 1, b"")
GRAB, REQUEST = ClipboardGrab(0, (1,)), ClipboardRequest(0, 1)
GIVEN = Clipboard(0, 1, b"abc")

#: Scenes in which each type goes each way: who says what, in this order. What the
#: handlers make of that is what a VM without filters does.
SCENES = {
    "copies in the guest": [
        ("agent", GRAB),
        ("client", REQUEST),
        ("agent", GIVEN),
        ("agent", ClipboardRelease(0)),
    ],
    "copies at a client": [
        ("client", GRAB),
        ("agent", REQUEST),
        ("client", GIVEN),
        ("client", ClipboardRelease(0)),
    ],
    "limits": [("client", MaxClipboard(10)), ("agent", GRAB)],
    "monitors": [("client", config()), ("agent", Reply(2, 1))],
    "display": [("client", DisplayConfig(1, 32)), ("agent", Reply(5, 1))],
    "mouse": [("client", MouseState(1, 2, 0, 0))],
    "audio": [("client", AudioVolumeSync(True, False, (1, 2)))],
    "graphics": [("client", GraphicsDeviceInfo(()))],
    "files": [
        ("client", FileXferStart(1, "a.txt", 3)),
        ("agent", FileXferStatus(1, 0)),
        ("client", FileXferData(1, b"abc")),
        ("agent", FileXferStatus(1, 3)),
    ],
    "a file that is cancelled": [
        ("client", FileXferStart(1, "a.txt", 3)),
        ("client", FileXferStatus(1, 1)),
    ],
    "announcements": [("client", AnnounceCapabilities(0, SPICE_GTK.to_words()))],
}


def play(scene, *filters):
    """Return what the agent and the client of a VM hear in a scene, step by step."""
    vm = ModelVM(filters=filters)
    vm.agent.come_up(EVERYTHING)
    client = vm.client(EVERYTHING)
    heard = [vm.agent.heard(), client.heard()]
    for who, message in SCENES[scene]:
        (vm.agent if who == "agent" else client).say(message)
        vm.advance(6)
        heard += [vm.agent.heard(), client.heard()]
    return heard


def test_the_scenes_have_every_message_type_of_the_protocol():
    said = {type(m) for scene in SCENES.values() for _, m in scene}
    links_own = {"ClientDisconnected"}
    assert {m.__name__ for m in STANDARD} - {m.__name__ for m in said} == links_own


@pytest.mark.parametrize("fault", ["raises", "raises in a coroutine", "answers 42"])
@pytest.mark.parametrize("scene", SCENES)
def test_a_failing_filter_changes_nothing_in_any_scene(scene, fault):
    everything = tuple({*STANDARD})
    for way in ("in", "out"):
        guard = failing(way, fault, *everything)
        assert play(scene, guard) == play(scene)
        assert guard.plugin.asked[way]


#: What is heard last after a scene in which a closed filter fails on one type that
#: comes in (``in``) or goes out: by whom, and what.
ANSWERS = [
    ("copies in the guest", "in", ClipboardGrab, "client", [NONE]),
    ("copies in the guest", "in", ClipboardRequest, "client", [GRAB, NONE]),
    ("copies in the guest", "in", Clipboard, "client", [GRAB, NONE]),
    ("copies in the guest", "out", ClipboardGrab, "client", [NONE]),
    ("copies in the guest", "out", ClipboardRequest, "client", [GRAB, NONE]),
    ("copies in the guest", "out", Clipboard, "client", [GRAB, NONE]),
    ("copies at a client", "in", ClipboardGrab, "agent", [NONE]),
    ("copies at a client", "in", ClipboardRequest, "agent", [GRAB, EMPTY]),
    ("copies at a client", "in", Clipboard, "agent", [GRAB, EMPTY]),
    ("copies at a client", "out", ClipboardGrab, "agent", [NONE]),
    ("copies at a client", "out", ClipboardRequest, "agent", [GRAB, EMPTY]),
    ("copies at a client", "out", Clipboard, "agent", [GRAB, EMPTY]),
    ("monitors", "in", MonitorsConfig, "client", [Reply(2, 2)]),
    ("monitors", "out", MonitorsConfig, "client", [Reply(2, 2)]),
    ("monitors", "in", Reply, "client", [Reply(2, 2)]),
    ("monitors", "out", Reply, "client", [Reply(2, 2)]),
    ("display", "in", DisplayConfig, "client", [Reply(5, 2)]),
    ("display", "out", DisplayConfig, "client", [Reply(5, 2)]),
    ("display", "in", Reply, "client", [Reply(5, 2)]),
    ("files", "in", FileXferStart, "client", [FileXferStatus(1, 7)]),
    ("files", "out", FileXferStart, "client", [FileXferStatus(1, 7)]),
    ("mouse", "in", MouseState, "agent", []),
    ("mouse", "out", MouseState, "agent", []),
    ("audio", "in", AudioVolumeSync, "agent", []),
    ("audio", "out", AudioVolumeSync, "agent", []),
    ("graphics", "in", GraphicsDeviceInfo, "agent", []),
    ("graphics", "out", GraphicsDeviceInfo, "agent", []),
]


@pytest.mark.parametrize("fault", ["raises", "raises in a coroutine", "hangs"])
@pytest.mark.parametrize(("scene", "way", "kind", "who", "answers"), ANSWERS)
def test_what_a_closed_filter_fails_on_is_answered(
    scene, way, kind, who, answers, fault
):
    _, _, *steps = play(scene, failing(way, fault, kind, closed=True))
    mine = steps[0::2] if who == "agent" else steps[1::2]
    heard = [message for step in mine for message in step]
    assert heard[: len(answers)] == answers
    assert not [m for m in heard[len(answers) :] if isinstance(m, kind)]
