"""What comes with vdproxy keeps the contract that it sets others."""

from __future__ import annotations

import subprocess
import sys

import pytest
from zope.interface.verify import verifyClass, verifyObject

from vdproxy.handlers.capabilities import CapabilitiesHandler
from vdproxy.handlers.monitors import MonitorsHandler
from vdproxy.hub.handler import Handler
from vdproxy.interfaces import (
    ICapabilitiesHandler,
    IFrontend,
    IFrontendMaker,
    IHandlerMaker,
    IMessageHandler,
)
from vdproxy.registry import find

OF_KIND = {
    "handler": (IHandlerMaker, IMessageHandler),
    "frontend": (IFrontendMaker, IFrontend),
}


@pytest.mark.parametrize(
    ("interface", "cls"),
    [
        (ICapabilitiesHandler, CapabilitiesHandler),
        (IMessageHandler, MonitorsHandler),
    ],
)
def test_a_handler_class_is_what_it_says(interface, cls):
    assert verifyClass(interface, cls)
    assert verifyObject(interface, cls())


@pytest.mark.parametrize("kind", OF_KIND)
def test_every_plugin_that_comes_along_makes_what_its_kind_promises(kind):
    maker_interface, product_interface = OF_KIND[kind]
    for maker in find(kind).makers.values():
        assert verifyObject(maker_interface, maker)
        assert verifyObject(product_interface, maker.make(maker.options()()))


def test_the_handler_to_start_from_answers_nothing_to_anything():
    handler = Handler()
    assert handler.messages == ()
    assert not handler.relayed
    assert not handler.provided
    calls = {
        "start": 1,
        "stop": 0,
        "guest_up": 1,
        "guest_lost": 0,
        "client_ready": 1,
        "client_left": 1,
        "received": 2,
        "dropped": 3,
        "withheld": 3,
    }
    assert set(calls) == set(IMessageHandler.names()) - {
        "messages",
        "relayed",
        "provided",
    }
    for name, arguments in calls.items():
        assert getattr(handler, name)(*[None] * arguments) is None


def test_looking_for_plugins_imports_little():
    program = (
        "import sys, vdproxy.interfaces;"
        "print(*(m for m in sys.modules if m.startswith(('vdproxy', 'twisted'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert sorted(done.stdout.split()) == ["vdproxy", "vdproxy.interfaces"]
