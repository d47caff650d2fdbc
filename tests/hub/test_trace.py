from __future__ import annotations

import pytest
from twisted.logger import LogLevel, capturedLogs, formatEvent

from tests.hub.doubles import World, monitors_world
from tests.link.frames import LINUX
from vdproxy.handlers.monitors import MonitorsHandler
from vdproxy.hub.trace import Trace
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.constants import message_name
from vdproxy.wire.messages import MonConfig, MonitorsConfig

CONFIG = MonitorsConfig(0, (MonConfig(800, 600),))


@pytest.fixture
def events():
    with capturedLogs() as events:
        yield events


def traced(events):
    return [event for event in events if event["log_namespace"] == "vdproxy.trace"]


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (2, "VD_AGENT_MONITORS_CONFIG"),
        (16, "VD_AGENT_GRAPHICS_DEVICE_INFO"),
        (17, "type 17"),
        (1000, "type 1000"),
    ],
)
def test_a_message_type_goes_by_its_name_in_the_header_or_its_number(number, name):
    assert message_name(number) == name


@pytest.mark.parametrize(
    ("write", "text", "fields"),
    [
        (lambda t: t.opened("a#1"), "vdagent_open vm=one client=a#1", {}),
        (lambda t: t.closed("a#1"), "vdagent_close vm=one client=a#1", {}),
        (
            lambda t: t.sent("a#1", 3, 8),
            "vdagent_send vm=one client=a#1 direction=out message=VD_AGENT_REPLY "
            "size=8",
            {"direction": "out", "message": "VD_AGENT_REPLY", "size": 8},
        ),
        (
            lambda t: t.chunk("a#1", 28),
            "vdagent_recv_chunk vm=one client=a#1 direction=in size=28",
            {"direction": "in", "size": 28},
        ),
        (
            lambda t: t.received("a#1", 1000, 8),
            "vdagent_recv_msg vm=one client=a#1 direction=in message=type 1000 size=8",
            {"direction": "in", "message": "type 1000", "size": 8},
        ),
    ],
    ids=["open", "close", "send", "chunk", "message"],
)
def test_each_event_has_its_name_and_fields(events, write, text, fields):
    write(Trace("one"))
    (event,) = events
    assert formatEvent(event) == text
    assert event["log_level"] is LogLevel.debug
    assert event["vm"] == "one"
    assert event["client"] == "a#1"
    assert fields.items() <= event.items()


def test_each_capability_of_a_peer_is_an_event(events):
    Trace("one").capabilities("a#1", Capabilities.of(6, 200))
    assert [event["event"] for event in events] == ["vdagent_peer_cap"] * 2
    assert [event["capability"] for event in events] == [
        "VD_AGENT_CAP_CLIPBOARD_SELECTION",
        "200",
    ]


def names(events, client):
    return [e["event"] for e in traced(events) if e["client"] == client]


def test_a_clients_life_is_traced(events):
    world = monitors_world(tracing=True)
    client = world.ready_client(0b110)
    client.say(CONFIG)
    client.leave()
    assert names(events, client.peer.label) == [
        "vdagent_open",
        "vdagent_send",
        "vdagent_recv_chunk",
        "vdagent_recv_msg",
        "vdagent_peer_cap",
        "vdagent_peer_cap",
        "vdagent_recv_chunk",
        "vdagent_recv_msg",
        "vdagent_close",
    ]
    world.guest.leave()


def test_in_the_guests_events_no_client_is_named(events):
    world = World(MonitorsHandler(), tracing=True)
    world.guest.connect()
    world.guest.announce(0, LINUX)
    world.guest.leave()
    assert {event["client"] for event in traced(events)} == {""}


def test_a_message_of_many_chunks_is_one_message_event(events):
    world = monitors_world(tracing=True)
    client = world.ready_client()
    events.clear()
    client.feed(_in_chunks(client.spell(CONFIG)))
    traces = [e["event"] for e in traced(events) if e["client"]]
    assert traces[:4] == ["vdagent_recv_chunk"] * 3 + ["vdagent_recv_msg"]


def _in_chunks(stream):
    body = stream[8:]
    return b"".join(
        b"\1\0\0\0" + len(part).to_bytes(4, "little") + part
        for part in (body[:20], body[20:30], body[30:])
    )


def test_content_is_in_no_event(events):
    world = monitors_world(tracing=True)
    client = world.ready_client()
    client.feed(b"\1\0\0\0" + (32).to_bytes(4, "little") + _unknown(b"secret words"))
    assert traced(events)
    assert not any("secret" in repr(event) for event in events)


def _unknown(payload):
    head = (1, 1000, 0, 0, len(payload))
    return b"".join(number.to_bytes(4, "little") for number in head) + payload


def test_a_hub_that_does_not_trace_makes_no_events(events):
    world = monitors_world()
    client = world.ready_client()
    client.say(CONFIG)
    client.leave()
    assert traced(events) == []
