"""
Makers: what a file in ``twisted/plugins`` says about a plugin.

A maker names the plugin's module by string, as Twisted's ServiceMaker does, so
that looking for plugins imports none. The module has ``make(options)`` and, if
the plugin takes any, ``Options``: a frozen dataclass.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from twisted.internet.interfaces import (
    IStreamClientEndpoint,
    IStreamClientEndpointStringParserWithReactor,
)
from twisted.plugin import IPlugin
from zope.interface import implementer

from vdproxy.interfaces import IFilterMaker, IFrontendMaker, IHandlerMaker


@dataclass(frozen=True)
class NoOptions:
    """The options of a plugin that has none."""


class _Maker:
    """A name, the module behind it, and a line on what it is for."""

    def __init__(self, name: str, module: str, description: str) -> None:
        self.name = name
        self.module = module
        self.description = description

    def options(self) -> type[Any]:
        return getattr(import_module(self.module), "Options", NoOptions)

    def make(self, options: object) -> Any:  # noqa: ANN401 - see IPluginMaker
        return import_module(self.module).make(options)


@implementer(IPlugin, IHandlerMaker)
class HandlerMaker(_Maker):
    """Declares a handler."""


@implementer(IPlugin, IFilterMaker)
class FilterMaker(_Maker):
    """Declares a filter; one that *fails_closed* lets nothing pass that it missed."""

    def __init__(
        self, name: str, module: str, description: str, *, fails_closed: bool = False
    ) -> None:
        super().__init__(name, module, description)
        self.fails_closed = fails_closed


@implementer(IPlugin, IFrontendMaker)
class FrontendMaker(_Maker):
    """Declares a frontend."""


@implementer(IPlugin, IStreamClientEndpointStringParserWithReactor)
class ClientEndpointMaker:
    """Declares a client endpoint, ``PREFIX:…``; its module has ``make(reactor, …)``."""

    def __init__(self, prefix: str, module: str) -> None:
        self.prefix = prefix
        self.module = module

    def parseStreamClient(  # type: ignore[override]  # Twisted declares it with self
        self, reactor: object, *args: str, **kwargs: str
    ) -> IStreamClientEndpoint:
        endpoint: IStreamClientEndpoint = import_module(self.module).make(
            reactor, *args, **kwargs
        )
        return endpoint
