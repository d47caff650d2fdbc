"""What filters refuse of requests that the agent replies to, and of its replies."""

from __future__ import annotations

import pytest

from tests.hub.doubles import World
from tests.hub.faults import Judge, Slow, dropping, installed, on
from tests.link.frames import LINUX
from vdproxy.handlers.display import make as make_display
from vdproxy.handlers.monitors import MonitorsHandler
from vdproxy.handlers.monitors import Options as MonitorsOptions
from vdproxy.hub.verdicts import Drop, Replace
from vdproxy.wire.messages import DisplayConfig, MonConfig, MonitorsConfig, Reply

GOOD, BAD = Reply(2, 1), Reply(2, 2)

#: An agent that does not announce REPLY.
SILENT = LINUX & ~(1 << 2)

each_way = pytest.mark.parametrize("way", ["in", "out"])


def config(width):
    return MonitorsConfig(0, (MonConfig(width, 600),))


def sized(width):
    return MonitorsConfig(2, (MonConfig(width, 600, width_mm=300, height_mm=200),))


ONE, TWO, THREE = map(config, (100, 200, 300))


def filtered(*filters, word=LINUX):
    """Return a world whose monitors are judged, and two clients."""
    world = World(MonitorsHandler(), filters=filters)
    world.guest.come_up(word)
    return world, world.ready_client(), world.ready_client()


@each_way
@pytest.mark.parametrize("word", [LINUX, SILENT], ids=["replies", "silent"])
def test_a_refused_request_is_answered_with_an_error(way, word):
    world, client, other = filtered(dropping(way, MonitorsConfig), word=word)
    client.say(ONE)
    assert client.heard() == [BAD]
    assert world.guest.heard() == other.heard() == []


@each_way
def test_after_a_refused_request_the_next_is_asked(way):
    verdicts = iter([Drop("no"), None])
    world, client, other = filtered(on(way, lambda m: next(verdicts), MonitorsConfig))
    client.say(ONE)
    other.say(TWO)
    world.wait(0.01)
    assert world.guest.heard() == [TWO]
    world.guest.say(GOOD)
    assert client.heard() == [BAD]
    assert other.heard() == [GOOD]


def test_what_is_asked_after_a_refused_request_is_judged():
    def refuse_one(message):
        return Drop("no") if message == ONE else None

    slow, guard = (
        Slow(MonitorsConfig, only="out"),
        on("out", refuse_one, MonitorsConfig),
    )
    world, client, other = filtered(slow, guard)
    client.say(ONE)
    other.say(TWO)
    slow.questions[0].say()
    assert client.heard() == [BAD]
    world.wait(0.01)
    assert slow.questions[-1].message == TWO
    slow.questions[-1].say()
    assert guard.asked["out"].count(TWO) == 1
    assert world.guest.heard() == [TWO]


def test_a_refused_reply_of_the_agent_is_an_error_for_who_asked():
    world, client, other = filtered(dropping("in", Reply))
    client.say(ONE)
    other.say(TWO)
    assert world.guest.heard() == [ONE]
    world.guest.say(GOOD)
    assert client.heard() == [BAD]
    world.wait(0.01)
    assert world.guest.heard() == [TWO]


def test_a_reply_that_a_client_is_not_told_is_an_error_to_it():
    world, client, _ = filtered(dropping("out", Reply))
    client.say(ONE)
    world.guest.say(GOOD)
    assert client.heard() == [BAD]
    client.say(TWO)
    assert world.guest.heard() == [ONE, TWO]


def test_all_replies_that_a_client_is_owed_are_told_when_its_request_is_refused():
    slow = Slow(MonitorsConfig, only="out")
    world, client, _ = filtered(slow)
    client.say(ONE, TWO, THREE)
    slow.questions[0].say(Drop("no"))
    assert client.heard() == [BAD]
    world.wait(0.01)
    slow.questions[1].say(Drop("no"))
    assert client.heard() == [BAD, BAD]
    assert world.guest.heard() == []


def test_the_agent_is_asked_what_a_filter_puts_in_place():
    guard = on("in", lambda m: Replace(TWO), MonitorsConfig)
    world, client, _ = filtered(guard)
    client.say(ONE)
    assert world.guest.heard() == [TWO]
    world.guest.say(GOOD)
    assert client.heard() == [GOOD]


def test_a_refused_form_ends_the_request():
    """Sizes are asked for in two forms; that the better is refused ends both."""

    def refuse_sizes(message):
        return Drop("no") if message.has_physical_size else None

    world, client, _ = filtered(on("out", refuse_sizes, MonitorsConfig))
    client.say(sized(800))
    world.wait(10)
    assert client.heard() == [BAD]
    assert world.guest.heard() == []


def test_the_agent_has_its_time_to_reply_once_filters_have_decided():
    slow = Slow(MonitorsConfig, only="out")
    world, client, _ = filtered(slow)
    client.say(ONE)
    world.wait(3)
    slow.questions[0].say()
    assert world.guest.heard() == [ONE]
    assert client.heard() == []
    world.guest.say(GOOD)
    assert client.heard() == [GOOD]


@pytest.mark.parametrize("closed", [False, True])
def test_who_asks_is_answered_though_a_filter_hangs(closed):
    hangs = installed("guard", Slow(MonitorsConfig, only="out"), closed=closed)
    world, client, _ = filtered(hangs)
    client.say(ONE)
    world.wait(8)
    assert client.heard() == [BAD]
    assert world.guest.heard() == ([] if closed else [ONE])


def test_a_client_whose_request_is_judged_is_answered_when_the_agent_is_lost():
    slow = Slow(MonitorsConfig, only="out")
    world, client, _ = filtered(slow)
    client.say(ONE)
    world.guest.leave()
    assert client.heard() == [BAD]
    slow.questions[0].say()
    world.wait(5)
    assert client.heard() == []


def test_what_makes_up_for_a_refused_request_asks_no_filter():
    guard = Judge(
        lambda way, peer, m: Drop("no") if isinstance(m, MonitorsConfig) else None
    )
    _, client, _ = filtered(guard)
    client.say(ONE)
    assert client.heard() == [BAD]
    assert BAD not in guard.asked["out"]


@each_way
def test_display_settings_are_answered_alike(way):
    handler = make_display(MonitorsOptions())
    world = World(handler, filters=[dropping(way, DisplayConfig)])
    world.guest.come_up(LINUX | 1 << 4)
    client = world.ready_client()
    client.say(DisplayConfig(1, 32))
    assert client.heard() == [Reply(5, 2)]
    assert world.guest.heard() == []


def test_a_request_refused_after_the_agent_replied_fails_no_later_one():
    """A REPLY names no request, so one that was not asked for ends what is judged."""
    slow = Slow(MonitorsConfig, only="out")
    world, client, _ = filtered(slow)
    client.say(ONE)
    world.guest.say(GOOD)
    client.heard()
    client.say(TWO)
    slow.questions[0].say(Drop("no"))
    slow.questions[1].say()
    assert client.heard() == []
    assert world.guest.heard() == [TWO]
    world.guest.say(GOOD)
    assert client.heard() == [GOOD]
