"""Which plugins a configuration chooses, and their options."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from vdproxy.hub.isolation import Failed, Installed, attempt
from vdproxy.options import Section, check, nearest, read
from vdproxy.registry import broken_files, cannot_be_used, find_all, make
from vdproxy.service.planned import NOTE, PLUGINS
from vdproxy.wire.constants import message_name

_T = TypeVar("_T")

#: Handlers that no configuration can do without.
_ALWAYS = ("capabilities",)


@dataclass(frozen=True)
class Choice:
    """
    A plugin that was chosen, with its options.

    ``numbers`` are the message types that a handler owns; ``special`` and
    ``closed`` are a filter's, see Installed.
    """

    name: str
    maker: Any
    options: object
    numbers: tuple[int, ...] = ()
    special: Mapping[tuple[str, str], object] = field(default_factory=dict)
    closed: bool = False

    def make(self) -> Any:  # noqa: ANN401 - what it makes is the kind's
        """Return a new one."""
        return self.maker.make(self.options)

    def install(self) -> Installed[Any]:
        """Return a new one as a hub takes it."""
        return Installed(
            self.name, self.make(), self.options, self.special, self.closed
        )


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
        self._found = find_all()
        #: What is chosen by VMs that have no section of their own about it: one for
        #: all, as there may be hundreds.
        self._common: dict[str, Choice] = {}

    def check_section(self, section: Section, kind: str, name: str) -> None:
        """Check the options in a section about the plugin *name*."""
        problem = None
        maker = self._maker(kind, name)
        if maker is not None:
            outcome = attempt(lambda: check(maker.options(), section, self._problems))
            if isinstance(outcome, Failed):
                problem = cannot_be_used(kind, maker, outcome.error)
        else:
            problem = self.unusable(kind, name)
            if problem is None:
                check(PLUGINS[kind][name], section, self._problems)
                note = f"{kind} {name} is {NOTE}"
                self._notes.append(f"{section.where} {note}")
        if problem:
            self._problems.append(f"{section.where} {problem}")

    def choose(self, section: Section, key: str, kind: str, name: str) -> Choice | None:
        """
        Return the plugin that *section* names under *key*.

        None if there is none, which is a problem, or only a plan, a note.
        """
        maker = self._maker(kind, name)
        if maker is not None:
            load = partial(self._load, section, kind, name, maker)
            return self._attempt(section, key, kind, maker, load)
        if unusable := self.unusable(kind, name):
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
        self._check_twice(section, "handlers", names)
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

    def choose_filters(
        self,
        section: Section,
        names: tuple[str, ...],
        required: tuple[str, ...],
        clients: Iterable[tuple[str, str]],
    ) -> tuple[Choice, ...]:
        """
        Return the filters of one VM, in their order.

        *clients* are the frontends and names that its clients can have: each may
        have options of its own.
        """
        self._check_twice(section, "filters", names)
        choices = []
        for name in dict.fromkeys(names):
            choice = self.choose(section, "filters", "filter", name)
            if choice is None:
                continue
            maker = choice.maker
            load = partial(self._special, section, choice, clients)
            special = self._attempt(section, "filters", "filter", maker, load)
            closed = maker.fails_closed or name in required
            choices.append(replace(choice, special=special or {}, closed=closed))
        return tuple(choices)

    def _special(
        self, section: Section, choice: Choice, clients: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], object]:
        """Return a filter's options for those clients that have their own."""
        own = f"filter:{choice.name}"
        special = {}
        for frontend, client in clients:
            scopes = [f"{section.name} frontend:{frontend} {own}"]
            if client:
                scopes.append(f"{section.name} client:{client} {own}")
            if any(scope in self._sections for scope in scopes):
                every = (own, f"{section.name} {own}", *scopes)
                special[frontend, client] = self._read(section, choice.maker, *every)
        return special

    def _attempt(
        self,
        section: Section,
        key: str,
        kind: str,
        maker: Any,  # noqa: ANN401 - an IPluginMaker
        call: Callable[[], _T],
    ) -> _T | None:
        """Return what *call* does with a plugin; None if it fails, a problem."""
        outcome = attempt(call)
        if not isinstance(outcome, Failed):
            return outcome
        problem = cannot_be_used(kind, maker, outcome.error)
        self._problems.append(section.problem(key, problem))
        return None

    def _check_twice(self, section: Section, key: str, names: tuple[str, ...]) -> None:
        for name, times in Counter(names).items():
            if times > 1:
                self._problems.append(section.problem(key, f"{name} twice"))

    def _read(
        self,
        section: Section,
        maker: Any,  # noqa: ANN401 - an IPluginMaker
        *scopes: str,
    ) -> object | None:
        """Return options from the sections *scopes*, of which later ones win."""
        sections = [self._sections[s] for s in scopes if s in self._sections]
        nowhere = Section(section.file, scopes[-1], {})
        options: object | None = read(
            maker.options(), sections or [nowhere], self._problems
        )
        return options

    def _load(
        self,
        section: Section,
        kind: str,
        name: str,
        maker: Any,  # noqa: ANN401 - an IPluginMaker
    ) -> Choice | None:
        """Read the options that this VM gives a plugin, and try to make one."""
        plugin = f"{kind}:{name}"
        own = f"{section.name} {plugin}"
        common = own not in self._sections
        if common and plugin in self._common:
            return self._common[plugin]
        options = self._read(section, maker, plugin, own)
        if options is None:
            return None
        product = make(kind, maker, options)
        messages = product.messages if kind == "handler" else ()
        numbers = tuple(int(message.number) for message in messages)
        choice = Choice(name, maker, options, numbers)
        if common:
            self._common[plugin] = choice
        return choice

    def unusable(self, kind: str, name: str) -> str | None:
        """Return why no plugin of this name can be had, None if there or planned."""
        found = self._found[kind]
        if name in found.problems:
            return found.problems[name]
        known = [*found.makers, *PLUGINS[kind]]
        if name in known:
            return None
        # It may stand in one of the files that cannot be imported.
        return "; ".join(
            [f"unknown {kind} {name}, {nearest(name, known)}", *broken_files()]
        )

    def _maker(self, kind: str, name: str) -> Any:  # noqa: ANN401 - an IPluginMaker, or None
        return self._found[kind].makers.get(name)
