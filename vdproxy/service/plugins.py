"""Which plugins a configuration chooses, and their options."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from zope.interface.exceptions import Invalid
from zope.interface.verify import verifyObject

from vdproxy.hub.handler import Handler
from vdproxy.hub.isolation import Failed, attempt
from vdproxy.interfaces import IFrontend, IMessageHandler
from vdproxy.options import Section, check, nearest, read
from vdproxy.registry import KINDS, find
from vdproxy.service.planned import NOTE, PLUGINS
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.constants import message_name
from vdproxy.wire.messages import Message

#: What the plugins of a kind are.
_PRODUCTS = {"handler": IMessageHandler, "frontend": IFrontend}

#: Handlers that no configuration can do without.
_ALWAYS = ("capabilities",)


@dataclass(frozen=True)
class Choice:
    """
    A plugin that was chosen, with its options.

    ``numbers`` are the message types that a handler owns.
    """

    name: str
    maker: Any
    options: object
    numbers: tuple[int, ...]

    def make(self) -> Any:  # noqa: ANN401 - what it makes is the kind's
        """Return a new one."""
        return self.maker.make(self.options)


class PluginChooser:
    """
    Finds plugins by name and fills their options from *sections*.

    Adds a line to *problems* for what is wrong and to *notes* for what is
    accepted without effect.
    """

    def __init__(
        self, sections: dict[str, Section], problems: list[str], notes: list[str]
    ) -> None:
        self._sections = sections
        self._problems = problems
        self._notes = notes
        self._found = {kind: find(kind) for kind in KINDS}

    def check_section(self, section: Section, kind: str, name: str) -> None:
        """Check the options in a section about the plugin *name*."""
        problem = None
        maker = self._maker(kind, name)
        if maker is not None:
            outcome = attempt(lambda: check(maker.options(), section, self._problems))
            if isinstance(outcome, Failed):
                problem = f"{kind} {name} cannot be used: {outcome.error!r}"
        else:
            problem = self.unusable(kind, name)
            if problem is None:
                check(PLUGINS[kind][name], section, self._problems)
                note = f"{kind} {name} is {NOTE}"
                self._notes.append(f"{section.file}: [{section.name}] {note}")
        if problem:
            self._problems.append(f"{section.file}: [{section.name}] {problem}")

    def choose(self, section: Section, key: str, kind: str, name: str) -> Choice | None:
        """
        Return the plugin that *section* names under *key*.

        None if there is none, which is a problem, or only a plan, a note.
        """
        maker = self._maker(kind, name)
        if maker is not None:
            outcome = attempt(lambda: self._load(section, kind, name, maker))
            if not isinstance(outcome, Failed):
                return outcome
            problem = f"{kind} {name} cannot be used: {outcome.error!r}"
            self._problems.append(section.problem(key, problem))
        elif unusable := self.unusable(kind, name):
            self._problems.append(section.problem(key, unusable))
        else:
            note = f"{kind} {name} is {NOTE}"
            self._notes.append(section.problem(key, note))
        return None

    def choose_handlers(
        self, section: Section, names: tuple[str, ...]
    ) -> tuple[Choice, ...]:
        """Return the handlers of one VM, of which no two own the same type."""
        choices = []
        owners: dict[int, str] = {}
        for name, times in Counter(names).items():
            if times > 1:
                self._problems.append(section.problem("handlers", f"{name} twice"))
        for name in dict.fromkeys((*_ALWAYS, *names)):
            choice = self.choose(section, "handlers", "handler", name)
            if choice is None:
                continue
            choices.append(choice)
            for number in choice.numbers:
                owner = owners.setdefault(number, name)
                if owner != name:
                    both = f"{owner} and {name} both own {message_name(number)}"
                    self._problems.append(section.problem("handlers", both))
        return tuple(choices)

    def _load(
        self,
        section: Section,
        kind: str,
        name: str,
        maker: Any,  # noqa: ANN401 - an IPluginMaker
    ) -> Choice | None:
        """Read the options that this VM gives a plugin, and try to make one."""
        own = f"{section.name} {kind}:{name}"
        scopes = (f"{kind}:{name}", own)
        sections = [self._sections[s] for s in scopes if s in self._sections]
        nowhere = Section(section.file, own, {})
        options = read(maker.options(), sections or [nowhere], self._problems)
        if options is None:
            return None
        product = maker.make(options)
        try:
            verifyObject(_PRODUCTS[kind], product)
        except Invalid as error:
            raise TypeError(str(error)) from error
        messages = _messages(product) if kind == "handler" else ()
        return Choice(name, maker, options, tuple(int(m.number) for m in messages))

    def unusable(self, kind: str, name: str) -> str | None:
        """Return why no plugin of this name can be had, None if there or planned."""
        found = self._found.get(kind)
        if found is not None and name in found.problems:
            return found.problems[name]
        known = [*(found.makers if found else ()), *PLUGINS[kind]]
        if name in known:
            return None
        return f"unknown {kind} {name}, {nearest(name, known)}"

    def _maker(self, kind: str, name: str) -> Any:  # noqa: ANN401 - an IPluginMaker, or None
        found = self._found.get(kind)
        return found.makers.get(name) if found else None


def _messages(handler: Handler) -> tuple[type[Message], ...]:
    """Return a handler's message classes, once it is known to hold to its contract."""
    for name in ("relayed", "provided"):
        if not isinstance(getattr(handler, name), Capabilities):
            raise TypeError(f"{name} is not of type Capabilities")
    numbers = set()
    for message in handler.messages:
        if not (isinstance(message, type) and issubclass(message, Message)):
            raise TypeError(f"{message!r} is no message class")
        name, number = message.__name__, getattr(message, "number", 0)
        if not isinstance(number, int) or not 0 < number < 2**32 or number in numbers:
            raise TypeError(f"{name}.number is taken, or not from 1 to 2**32 - 1")
        if not isinstance(getattr(message, "max_size", None), int):
            raise TypeError(f"{name}.max_size is no number of bytes")
        if message.decode.__func__ is Message.decode.__func__:  # type: ignore[attr-defined]
            raise TypeError(f"{name} lacks decode")
        numbers.add(number)
    return tuple(handler.messages)
