"""Worlds in which a third party's handler fails, for tests of what that costs."""

from __future__ import annotations

from twisted.logger import LogLevel

from tests.hub.doubles import (
    PINGS,
    Lines,
    Ping,
    Raises,
    World,
)
from tests.link.frames import LINUX
from vdproxy.handlers.monitors import MonitorsHandler
from vdproxy.wire.messages import (
    MonConfig,
    MonitorsConfig,
    Reply,
)

CONFIG = MonitorsConfig(0, (MonConfig(800, 600),))
SECRET = "hunter2"
WITH_PINGS = LINUX | PINGS.bits


def broken(*names, **options):
    """Return a handler for pings that raises in these methods."""
    return Raises(
        Ping, broken=names, relayed=PINGS, error=ValueError(SECRET), **options
    )


def assert_serves(world, client):
    """Check that a client's MONITORS_CONFIG is answered as it should be."""
    client.heard()
    world.guest.heard()
    client.say(CONFIG)
    assert world.guest.heard() == [CONFIG]
    world.guest.say(Reply(2, 1))
    assert client.heard() == [Reply(2, 1)]


def ping_world(handler, **options):
    """Return a world with monitors as well, and a client; both know pings."""
    world = World(handler, MonitorsHandler(), **options)
    world.guest.come_up(WITH_PINGS)
    return world, world.ready_client(WITH_PINGS)


def criticals(lines):
    return Lines(e for e in lines if e["log_level"] is LogLevel.critical)
