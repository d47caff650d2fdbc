"""Which plugins there are: found by Twisted, checked here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from twisted.plugin import getPlugins
from twisted.python.modules import getModule
from zope.interface import Interface
from zope.interface.exceptions import BrokenMethodImplementation, Invalid
from zope.interface.verify import verifyObject

from vdproxy.errors import VdproxyError
from vdproxy.hub.handler import Handler
from vdproxy.hub.isolation import Failed, PluginFault, attempt
from vdproxy.interfaces import (
    IFilterMaker,
    IFrontend,
    IFrontendMaker,
    IHandlerMaker,
    IMessageFilter,
    IMessageHandler,
    IPluginMaker,
)
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.constants import MAX_CAPABILITY_WORDS
from vdproxy.wire.messages import Message

#: What ``vdproxy plugins`` lists, by the word for each kind.
KINDS = {
    "handler": IHandlerMaker,
    "filter": IFilterMaker,
    "frontend": IFrontendMaker,
}

#: What the makers of a kind make.
_PRODUCTS = {
    "handler": IMessageHandler,
    "filter": IMessageFilter,
    "frontend": IFrontend,
}


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
    return find_all()[kind]


def find_all() -> dict[str, Registry]:
    """
    Return all makers that are installed, by their kind.

    A plugin file that cannot be imported is passed over, and logged by Twisted.
    """
    found: dict[str, Registry] = {kind: Registry({}, {}) for kind in KINDS}
    # In one go: Twisted tries, and logs, what cannot be imported in each.
    for maker in getPlugins(IPluginMaker):
        for kind, interface in KINDS.items():
            if interface.providedBy(maker):
                _register(found[kind], kind, maker)
    for registry in found.values():
        for name in registry.problems:
            registry.makers.pop(name, None)
    return found


def _register(registry: Registry, kind: str, maker: Any) -> None:  # noqa: ANN401 - an IPluginMaker
    outcome = attempt(lambda: _check_maker(kind, maker))
    if isinstance(outcome, Failed):
        name = attempt(lambda: str(maker.name))
        shown = object.__repr__(maker) if isinstance(name, Failed) else name
        problem = f"{kind} {shown} cannot be used: {reason(outcome.error)}"
        registry.problems[shown] = problem
        return
    former = registry.makers.setdefault(maker.name, maker)
    if former.module != maker.module:
        registry.problems[maker.name] = (
            f"{kind} {maker.name} is declared twice, "
            f"by {former.module} and {maker.module}"
        )


def _check_maker(kind: str, maker: Any) -> None:  # noqa: ANN401 - an IPluginMaker
    _verify(KINDS[kind], maker)
    for attribute in ("name", "module", "description"):
        if not isinstance(getattr(maker, attribute), str):
            raise PluginFault(f"its {attribute} is no text")


def make(kind: str, maker: Any, options: object) -> Any:  # noqa: ANN401 - what it makes is the kind's
    """
    Return a new plugin that has all that its kind needs.

    :raises PluginFault: it lacks something. The maker may raise anything else.
    """
    product = maker.make(options)
    _verify(_PRODUCTS[kind], product)
    if kind == "handler":
        _check_handler(product)
    return product


def _verify(interface: type[Interface], thing: object) -> None:
    """Raise PluginFault, with all that is lacking, unless *thing* is as it must be."""
    problem = f"{type(thing).__name__} is no {interface.__name__}"
    if not interface.providedBy(thing):
        raise PluginFault(problem)
    try:
        verifyObject(interface, thing)
    except Invalid as error:
        faults = getattr(error, "exceptions", [error])
        raise PluginFault(f"{problem}: {', '.join(map(_fault, faults))}") from None


def _fault(error: Any) -> str:  # noqa: ANN401 - the types of Invalid lack what it has
    if isinstance(error, BrokenMethodImplementation):
        return f"{error.method.getName()}: {error.mess}"
    return f"{error.name.getName()} is missing"


def _check_handler(handler: Handler) -> None:
    for name in ("relayed", "provided"):
        if not isinstance(getattr(handler, name), Capabilities):
            raise PluginFault(f"{name} is not of type Capabilities")
        if getattr(handler, name).bits.bit_length() > 32 * MAX_CAPABILITY_WORDS:
            most = 32 * MAX_CAPABILITY_WORDS - 1
            raise PluginFault(f"{name} has a capability over {most}")
    numbers = set()
    for message in handler.messages:
        if not (isinstance(message, type) and issubclass(message, Message)):
            raise PluginFault(f"{message!r} is no message class")
        name, number = message.__name__, getattr(message, "number", 0)
        if not isinstance(number, int) or not 0 < number < 2**32 or number in numbers:
            raise PluginFault(f"{name}.number is taken, or not from 1 to 2**32 - 1")
        if not isinstance(getattr(message, "max_size", None), int):
            raise PluginFault(f"{name}.max_size is no number of bytes")
        if message.decode.__func__ is Message.decode.__func__:  # type: ignore[attr-defined]
            raise PluginFault(f"{name} lacks decode")
        numbers.add(number)


def cannot_be_used(kind: str, maker: Any, error: BaseException) -> str:  # noqa: ANN401 - an IPluginMaker
    """Return the line that says why a plugin cannot be had."""
    return f"{kind} {maker.name} cannot be used: {maker.module}: {reason(error)}"


def broken_files() -> list[str]:
    """Return a line for each plugin file that cannot be imported."""
    lines = []
    for module in getModule("twisted.plugins").iterModules():
        outcome = attempt(partial(import_module, module.name))
        if isinstance(outcome, Failed):
            file = f"twisted/plugins/{module.filePath.basename()}"
            lines.append(f"{file} cannot be imported: {reason(outcome.error)}")
    return lines


def reason(error: BaseException) -> str:
    """Return what *error* says, in one line."""
    text = " ".join(str(error).split())
    if isinstance(error, VdproxyError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
