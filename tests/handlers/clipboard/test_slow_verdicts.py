"""GRABs that meet while a filter takes its time over one of them."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from zope.interface import implementer

from tests.handlers.clipboard.desks import CLIENTS, grabbed
from vdproxy.api import Capabilities, ClipboardGrab, Filter, IMessageFilter
from vdproxy.testing import ModelVM

each_client = pytest.mark.parametrize("word", CLIENTS.values(), ids=CLIENTS)


@implementer(IMessageFilter)
class Slow(Filter):
    """Takes its time over GRABs of one direction, between it and one peer."""

    def __init__(self, direction):
        self.direction = direction
        self.peer = None
        self.verdicts = []

    def incoming(self, peer, message):
        return self._judge("in", peer, message)

    def outgoing(self, peer, message):
        return self._judge("out", peer, message)

    def _judge(self, direction, peer, message):
        judged = direction == self.direction and peer is self.peer
        if not judged or not isinstance(message, ClipboardGrab):
            return None
        self.verdicts.append(Deferred())
        return self.verdicts[-1]

    def let_pass(self):
        for verdict in self.verdicts:
            verdict.callback(None)


def two_ends(direction, word, *, slow_client):
    """Return the filter, the end it is slow for, and the other; all is told."""
    slow = Slow(direction)
    vm = ModelVM(filters=[slow])
    vm.agent.come_up()
    client = vm.client(Capabilities.from_words([word]))
    vm.agent.heard()
    ends = (client, vm.agent) if slow_client else (vm.agent, client)
    slow.peer = ends[0].peer
    return slow, *ends


def hears_a_grab(end):
    return any(isinstance(message, ClipboardGrab) for message in end.heard())


@each_client
@pytest.mark.parametrize("slow_client", [True, False], ids=["client", "guest"])
def test_who_grabs_is_not_told_of_an_earlier_grab_any_more(word, slow_client):
    slow, end, other = two_ends("out", word, slow_client=slow_client)
    other.say(grabbed())
    end.say(grabbed())
    assert hears_a_grab(other)
    slow.let_pass()
    assert end.heard() == []


@each_client
@pytest.mark.parametrize("slow_client", [True, False], ids=["client", "guest"])
def test_of_two_grabs_that_meet_one_counts_for_all(word, slow_client):
    slow, end, other = two_ends("in", word, slow_client=slow_client)
    end.say(grabbed())
    other.say(grabbed())
    slow.let_pass()
    # Whoever hears of a GRAB after its own gives up what it has copied.
    assert hears_a_grab(end) != hears_a_grab(other)
