"""Which plugins a configuration chooses, and their options."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from zope.interface.exceptions import Invalid
from zope.interface.verify import verifyObject

from vdproxy.hub.handler import Handler
from vdproxy.hub.isolation import Failed, attempt
from vdproxy.hub.trace import message_name
from vdproxy.interfaces import IFrontend, IMessageHandler
from vdproxy.options import Section, check, nearest, read
from vdproxy.registry import KINDS, find
from vdproxy.service.planned import PLUGINS
from vdproxy.wire.messages import Message

#: What the plugins of a kind are.
_PRODUCTS = {"handler": IMessageHandler, "frontend": IFrontend}

#: Handlers that no configuration can do without.
_ALWAYS = ("capabilities",)


@dataclass(frozen=True)
class Choice:
    """A plugin that was chosen, with its options."""

    name: str
    maker: Any
    options: object

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
        if not self.is_known(kind, name):
            problem = self.unknown(kind, name)
        elif name in PLUGINS[kind]:
            check(PLUGINS[kind][name], section, self._problems)
        elif name in self._found[kind].problems:
            problem = self._found[kind].problems[name]
        else:
            maker = self._found[kind].makers[name]
            outcome = attempt(lambda: check(maker.options(), section, self._problems))
            if isinstance(outcome, Failed):
                problem = f"{kind} {name} cannot be used: {outcome.error!r}"
        if problem:
            self._problems.append(f"{section.file}: [{section.name}] {problem}")

    def choose(self, section: Section, key: str, kind: str, name: str) -> Choice | None:
        """
        Return the plugin that *section* names under *key*.

        None if there is none, which is a problem, or only a plan, a note.
        """
        if name in PLUGINS[kind]:
            note = f"{kind} {name} is not in this version, without effect"
            self._notes.append(section.problem(key, note))
            return None
        if not self.is_known(kind, name):
            self._problems.append(section.problem(key, self.unknown(kind, name)))
            return None
        found = self._found[kind]
        if name in found.problems:
            self._problems.append(section.problem(key, found.problems[name]))
            return None
        maker = found.makers[name]
        outcome = attempt(lambda: self._load(section, kind, name, maker))
        if isinstance(outcome, Failed):
            self._problems.append(
                section.problem(key, f"{kind} {name} cannot be used: {outcome.error!r}")
            )
            return None
        return outcome

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
            handler: Handler = choice.make()
            for message in handler.messages:
                owner = owners.setdefault(int(message.number), name)
                if owner != name:
                    number = message_name(message.number)
                    both = f"{owner} and {name} both own {number}"
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
        choice = Choice(name, maker, options)
        product = choice.make()
        try:
            verifyObject(_PRODUCTS[kind], product)
        except Invalid as error:
            raise TypeError(str(error)) from error
        for message in getattr(product, "messages", ()):
            if not issubclass(message, Message):
                raise TypeError(f"{message!r} is no message class")
        return choice

    def is_known(self, kind: str, name: str) -> bool:
        """Tell whether a plugin of this kind is installed, or planned."""
        return name in self._names(kind)

    def unknown(self, kind: str, name: str) -> str:
        """Return what is wrong with a plugin that is not known."""
        return f"unknown {kind} {name}, {nearest(name, self._names(kind))}"

    def _names(self, kind: str) -> list[str]:
        found = self._found.get(kind)
        installed = [*found.makers, *found.problems] if found else []
        return [*installed, *PLUGINS[kind]]
