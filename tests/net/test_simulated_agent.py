"""The agent inside vdproxy: its handshake, its monitors, its one clipboard."""

from __future__ import annotations

import struct

import pytest

from tests.net.host import BY_DEMAND, SELECTION, SERIAL, Host
from vdproxy.errors import RemoteProtocolError
from vdproxy.net.simulated_agent import CAPABILITIES, GREETING, SimulatedAgent
from vdproxy.wire.constants import ClipboardType, MessageType, Port, ReplyError
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    MonConfig,
    MonitorsConfig,
    MouseState,
    Reply,
)

TEXT = ClipboardType.VD_AGENT_CLIPBOARD_UTF8_TEXT
PNG = ClipboardType.VD_AGENT_CLIPBOARD_IMAGE_PNG
NONE = ClipboardType.VD_AGENT_CLIPBOARD_NONE

#: What a host may announce about its clipboard.
CLIPBOARDS = {
    "plain": (BY_DEMAND,),
    "with selections": (BY_DEMAND, SELECTION),
    "with serials": (BY_DEMAND, SERIAL),
    "with both": (BY_DEMAND, SELECTION, SERIAL),
}


@pytest.fixture
def agent():
    return SimulatedAgent()


@pytest.fixture(params=CLIPBOARDS.values(), ids=CLIPBOARDS)
def host(agent, request):
    return Host(agent, *request.param)


def grab(host, *types, serial=0):
    """Return a GRAB of CLIPBOARD as *host* has to say it."""
    return ClipboardGrab(0, types, serial if host.layout.agreed(SERIAL) else None)


def test_the_agent_speaks_first_and_asks(agent):
    first_words = Host(agent).first_words
    assert first_words == [AnnounceCapabilities(1, CAPABILITIES.to_words())]


def test_an_answer_to_its_question_is_not_answered(agent):
    assert Host(agent).greeting == []


def test_a_question_is_answered(agent):
    assert Host(agent).announce(1) == [
        AnnounceCapabilities(0, CAPABILITIES.to_words()),
    ]


def test_a_layout_of_monitors_is_kept_and_answered_on_its_port(agent):
    host = Host(agent)
    config = MonitorsConfig(0, (MonConfig(1920, 1080), MonConfig(800, 600, x=1920)))
    done = Reply(MessageType.VD_AGENT_MONITORS_CONFIG, ReplyError.VD_AGENT_SUCCESS)
    assert host.say(config) == [done]
    assert agent.monitors == config
    again = MonitorsConfig(0, (MonConfig(640, 480),))
    assert host.say(again, Port.VDP_SERVER_PORT) == [done]
    assert agent.monitors == again


def test_a_greeting_can_be_pasted(host):
    assert host.greeting == [grab(host, TEXT)]
    assert host.say(ClipboardRequest(0, TEXT)) == [Clipboard(0, TEXT, GREETING)]


@pytest.mark.parametrize("caps", [(), (SELECTION,), (SELECTION, SERIAL)])
def test_a_host_without_a_clipboard_is_told_of_none(agent, caps):
    assert Host(agent, *caps).greeting == []


def test_what_is_copied_outside_is_fetched_and_kept(host, agent):
    assert host.say(grab(host, PNG, TEXT, serial=1)) == [ClipboardRequest(0, TEXT)]
    assert host.say(Clipboard(0, TEXT, b"hello")) == []
    assert agent.text == b"hello"


def test_a_large_text_comes_back_as_it_went_in(host, agent):
    text = bytes(range(256)) * 1000
    host.say(grab(host, TEXT, serial=1))
    host.say(Clipboard(0, TEXT, text))
    host.say(ClipboardRelease(0))
    assert host.say(ClipboardRequest(0, TEXT)) == [Clipboard(0, TEXT, text)]


def test_what_is_no_text_is_not_fetched(host):
    assert host.say(grab(host, PNG, serial=1)) == []


def test_what_was_copied_outside_cannot_be_pasted_there(host):
    host.say(grab(host, TEXT, serial=1))
    assert host.say(ClipboardRequest(0, TEXT)) == [Clipboard(0, NONE, b"")]


def test_released_the_clipboard_is_the_agents_again(host, agent):
    host.say(grab(host, TEXT, serial=1))
    host.say(Clipboard(0, TEXT, b"hello"))
    (again,) = host.say(ClipboardRelease(0))
    assert (again.selection, again.types) == (0, (TEXT,))
    assert (again.serial is not None) == host.layout.agreed(SERIAL)
    assert host.say(ClipboardRequest(0, TEXT)) == [Clipboard(0, TEXT, b"hello")]


def test_a_type_that_it_has_not_is_answered_with_none(host):
    assert host.say(ClipboardRequest(0, PNG)) == [Clipboard(0, NONE, b"")]


@pytest.mark.parametrize("selection", [1, 2])
def test_another_selection_is_not_its_own(agent, selection):
    host = Host(agent, BY_DEMAND, SELECTION)
    assert host.say(ClipboardRequest(selection, TEXT)) == [
        Clipboard(selection, NONE, b"")
    ]
    assert host.say(ClipboardGrab(selection, (TEXT,))) == []
    assert host.say(Clipboard(selection, TEXT, b"other")) == []
    assert agent.text == GREETING


def test_a_grab_that_lost_the_race_changes_nothing(agent):
    host = Host(agent, BY_DEMAND, SELECTION, SERIAL)
    assert host.greeting[0].serial == 0
    host.say(grab(host, TEXT, serial=1))
    host.say(ClipboardRelease(0))
    assert host.say(grab(host, TEXT, serial=0)) == []
    assert host.say(ClipboardRequest(0, TEXT)) == [Clipboard(0, TEXT, GREETING)]


def test_a_host_that_begins_anew_is_greeted_anew(agent):
    host = Host(agent, BY_DEMAND, SELECTION, SERIAL)
    host.announce(1)
    words = host.announce(1)
    assert words == [
        AnnounceCapabilities(0, CAPABILITIES.to_words()),
        ClipboardGrab(0, (TEXT,), 0),
    ]


def test_messages_that_are_not_for_it_are_not_answered(agent):
    assert Host(agent).say(MouseState(1, 2, 0, 0)) == []


def test_a_bad_payload_is_passed_over(agent):
    host = Host(agent, BY_DEMAND)
    assert host.say_raw(MessageType.VD_AGENT_MONITORS_CONFIG, b"\x01") == []
    assert host.say(ClipboardRequest(0, TEXT)) == [Clipboard(0, TEXT, GREETING)]


def test_bytes_may_come_one_by_one(agent):
    said = [agent.receive_data(b"")]
    payload = struct.pack("<II", 1, 1 << BY_DEMAND)
    message = struct.pack("<IIQI", 1, 6, 0, len(payload)) + payload
    for byte in struct.pack("<II", 1, len(message)) + message:
        said.append(agent.receive_data(bytes([byte])))
    assert all(said[index] == b"" for index in range(1, len(said) - 1))
    assert said[0]
    assert said[-1]


def test_bad_framing_is_an_error(agent):
    agent.receive_data(b"")
    with pytest.raises(RemoteProtocolError):
        agent.receive_data(b"\xff" * 8)
