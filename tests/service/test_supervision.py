"""Which signals are heeded when, and what follows from them."""

from __future__ import annotations

import signal
from types import SimpleNamespace

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from vdproxy.service import supervision
from vdproxy.service.notify import Notifier
from vdproxy.service.supervision import Supervision


class Reactor(Clock):
    """Runs when the test says so."""

    def __init__(self):
        super().__init__()
        self.begin = []
        self.stops = 0

    def callWhenRunning(self, call):  # noqa: N802 - Twisted's name
        self.begin.append(call)

    def callFromThread(self, call):  # noqa: N802 - Twisted's name
        call()

    def stop(self):
        self.stops += 1


class Proxy:
    """Takes its time to reload."""

    status = "serving"

    def __init__(self):
        self.reloads = []

    async def reload(self):
        self.reloads.append(Deferred())
        await self.reloads[-1]


class Supervised:
    def __init__(self, handlers):
        self.reactor, self.proxy = Reactor(), Proxy()
        self.service = Supervision(self.proxy, self.reactor, Notifier({}))
        self.handlers = handlers

    def start(self):
        self.service.privilegedStartService()
        self.service.startService()
        self.reactor.begin[0]()

    def receive(self, number):
        self.handlers[number](number, None)


@pytest.fixture
def supervised(monkeypatch):
    handlers = {}
    ours = SimpleNamespace(
        SIGHUP=signal.SIGHUP,
        SIGINT=signal.SIGINT,
        SIGTERM=signal.SIGTERM,
        signal=handlers.__setitem__,
    )
    monkeypatch.setattr(supervision, "signal", ours)
    return Supervised(handlers)


def test_sighup_is_heeded_before_anything_starts(supervised):
    supervised.service.privilegedStartService()
    assert list(supervised.handlers) == [signal.SIGHUP]
    supervised.receive(signal.SIGHUP)
    assert supervised.proxy.reloads == []


def test_those_that_come_during_a_reload_are_one_more(supervised):
    supervised.start()
    for _ in range(5):
        supervised.receive(signal.SIGHUP)
    assert len(supervised.proxy.reloads) == 1
    supervised.proxy.reloads[0].callback(None)
    assert len(supervised.proxy.reloads) == 2
    supervised.proxy.reloads[1].callback(None)
    assert len(supervised.proxy.reloads) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_of_several_ends_it(supervised, number):
    supervised.start()
    for _ in range(3):
        supervised.receive(number)
    supervised.service.stopService()
    supervised.receive(number)
    assert supervised.reactor.stops == 1


def test_after_the_end_has_begun_nothing_is_reloaded(supervised):
    supervised.start()
    supervised.service.stopService()
    supervised.receive(signal.SIGHUP)
    assert supervised.proxy.reloads == []
