"""Which plugins there are: found by Twisted, checked here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twisted.plugin import getPlugins
from zope.interface.exceptions import Invalid
from zope.interface.verify import verifyObject

from vdproxy.interfaces import IFrontendMaker, IHandlerMaker

#: What ``vdproxy plugins`` lists, by the word for each kind.
KINDS = {"handler": IHandlerMaker, "frontend": IFrontendMaker}


@dataclass(frozen=True)
class Registry:
    """
    The makers of one kind by name.

    ``problems`` has a line for each maker that cannot be used: it lacks part of
    its interface, or another has its name.
    """

    makers: dict[str, Any]
    problems: dict[str, str]


def find(kind: str) -> Registry:
    """Return the makers of *kind*, a key of KINDS, that are installed."""
    makers: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for maker in getPlugins(KINDS[kind]):
        name = getattr(maker, "name", repr(maker))
        try:
            verifyObject(KINDS[kind], maker)
        except Invalid as error:
            problems[name] = f"{kind} {name} cannot be used: {error}"
            continue
        if name in makers and makers[name].module != maker.module:
            problems[name] = (
                f"{kind} {name} is declared twice, by {makers[name].module} "
                f"and {maker.module}"
            )
        makers[name] = maker
    return Registry(
        {name: maker for name, maker in makers.items() if name not in problems},
        problems,
    )
