"""What a plugin file says, and when the plugin behind it is imported."""

from __future__ import annotations

import sys
from dataclasses import FrozenInstanceError

import pytest
from twisted.internet.interfaces import IStreamClientEndpointStringParserWithReactor
from twisted.plugin import IPlugin
from zope.interface.verify import verifyObject

from vdproxy.interfaces import IFrontendMaker, IHandlerMaker
from vdproxy.makers import ClientEndpointMaker, FrontendMaker, HandlerMaker, NoOptions

WITH_OPTIONS = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Options:
    x: int = 1

def make(options):
    return ("made", options)
"""


@pytest.mark.parametrize(
    ("maker", "interface"),
    [
        (HandlerMaker("a", "m", "d"), IHandlerMaker),
        (FrontendMaker("a", "m", "d"), IFrontendMaker),
        (
            ClientEndpointMaker("a", "m"),
            IStreamClientEndpointStringParserWithReactor,
        ),
    ],
)
def test_a_maker_is_a_plugin_of_its_kind(maker, interface):
    assert verifyObject(interface, maker)
    assert verifyObject(IPlugin, maker)


def test_a_maker_imports_its_module_when_it_is_used(plugins):
    module = plugins.module(WITH_OPTIONS)
    maker = HandlerMaker("a", module, "d")
    assert module not in sys.modules
    options = maker.options()(x=2)
    assert maker.make(options) == ("made", options)


def test_a_module_without_options_has_none(plugins):
    maker = FrontendMaker("a", plugins.module("make = repr\n"), "d")
    assert maker.options() is NoOptions
    assert maker.make(NoOptions()) == "NoOptions()"


def test_a_module_that_is_missing_is_an_import_error():
    with pytest.raises(ModuleNotFoundError, match="gone_away"):
        HandlerMaker("a", "gone_away", "d").options()


def test_an_endpoint_maker_hands_over_the_reactor_and_the_arguments(plugins):
    module = plugins.module("def make(*args, **kwargs):\n    return args, kwargs\n")
    maker = ClientEndpointMaker("p", module)
    assert maker.parseStreamClient("reactor", "a", b="c") == (
        ("reactor", "a"),
        {"b": "c"},
    )


def test_no_options_hold_nothing():
    assert NoOptions() == NoOptions()
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        NoOptions().x = 1
