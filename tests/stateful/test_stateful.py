"""Any number of clients and agents, whatever they do, are served as they should be."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck
from hypothesis.stateful import run_state_machine_as_test

from tests.examples import trying
from tests.stateful.grab import PNG, TEXT
from tests.stateful.machine import Machine
from tests.stateful.room import SELECTIONS

_DEVICES = {
    "MouseState",
    "MonitorsConfig",
    "DisplayConfig",
    "MaxClipboard",
    "AudioVolumeSync",
    "GraphicsDeviceInfo",
}
_CLIPBOARD = {
    "Clipboard",
    "ClipboardGrab",
    "ClipboardRequest",
    "ClipboardRelease",
    "AnnounceCapabilities",
}
_FILES = {"FileXferStart", "FileXferData", "FileXferStatus"}

#: What has to be seen, by direction and kind of peer.
_SEEN = {
    ("to the hub", "client"): _DEVICES | _CLIPBOARD | _FILES | {"ClientDisconnected"},
    ("to the hub", "agent"): _CLIPBOARD | {"Reply", "FileXferStatus"},
    ("from the hub", "client"): _CLIPBOARD | {"Reply", "FileXferStatus"},
    ("from the hub", "agent"): _CLIPBOARD | _DEVICES | _FILES,
}


@pytest.mark.hypothesis
def test_whatever_happens():
    run_state_machine_as_test(
        Machine,
        settings=trying(
            300,
            stateful_step_count=50,
            report_multiple_bugs=False,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


def everybody_does_everything(machine, agent):
    """Have three clients and an agent do what they can, rule by rule."""
    kinds = ["gtk", "qemu", "no reply"]
    machine.begin(SELECTIONS, True, "last", agent, kinds, up=1)
    for owner, other in ((0, 1), (1, 0), (2, 3)):
        machine.somebody_copies_and_another_pastes(owner, other, (TEXT, PNG))
        machine.somebody_answers(0, "then", 3000, half=0)
        machine.somebody_releases(1, 0)
    machine.a_client_starts_a_file(0, 1, 9_000_000)
    machine.the_agent_tells_of_a_file(0, 0)
    machine.a_client_goes_on_with_a_file(0, 70_000, cancels=0)
    machine.a_client_goes_on_with_a_file(0, 40, cancels=3)
    machine.a_client_wishes_for_monitors(0, physical=True, port=2)
    for what in ("mouse", "display", "limit", "sound", "device"):
        machine.a_client_tells_of(1, what, 100)
    # One that wants less than there is; others have grabbed often enough by now.
    machine.time_passes(6.0)
    machine.somebody_copies_and_another_pastes(1, 2, (TEXT,))
    machine.somebody_answers(0, "then", 3000, half=0)
    machine.a_client_changes(2, "resets")
    machine.teardown()


def test_everything_happens():
    """The rules get to every message, and data get where they should."""
    seen: Counter[tuple[str, str, str]] = Counter()
    for agent in ("linux", "windows"):
        machine = Machine()
        everybody_does_everything(machine, agent)
        seen += machine.room.seen
    unseen = [
        (direction, kind, name)
        for (direction, kind), names in _SEEN.items()
        for name in names
        if not seen[direction, kind, name]
    ]
    assert not unseen
    assert seen["data", "client", "pasted"]
    assert seen["data", "agent", "pasted"]
