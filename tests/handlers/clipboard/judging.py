"""Filters for the clipboard's tests, and desks whose clients have names."""

from __future__ import annotations

import pytest

from tests.handlers.clipboard.desks import CLIENTS, TEXT, desks, given
from tests.hub.doubles import GTK
from tests.hub.faults import Judge
from tests.link.frames import LINUX
from vdproxy.hub.verdicts import Drop, Replace
from vdproxy.wire.messages import ClipboardGrab

DATA = given(b"abc")

each_client = pytest.mark.parametrize("word", CLIENTS.values(), ids=CLIENTS)


def only(way, name, answer, *types):
    """Return a filter that says *answer* of these types to or from one peer."""

    def judge(direction, peer, message):
        wanted = direction == way and isinstance(message, types)
        return answer(message) if wanted and peer.name == name else None

    return Judge(judge)


def refuse(message):
    return Drop("not here")


def text_alone(grab):
    types = tuple(type for type in grab.types if type == TEXT)
    return Replace(ClipboardGrab(grab.selection, types, grab.serial))


def named_desks(*names, filters, guest=LINUX, word=GTK):
    """Return a world whose agent is up, and ready clients of these names."""
    world, *_ = desks(filters=filters, guest=guest)
    return world, *[_ready(world, name, word) for name in names]


def _ready(world, name, word):
    client = world.client(word, name=name)
    client.negotiate()
    return client
