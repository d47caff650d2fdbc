"""What a configuration means: everything checked before anything runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorCore

from vdproxy.errors import ConfigError
from vdproxy.hub.hub import DEFAULT_MAX_CLIENTS
from vdproxy.net.endpoints import client_endpoint, server_endpoint
from vdproxy.options import Section, Size, nearest, read
from vdproxy.service.ini import read_files
from vdproxy.service.planned import KEYS
from vdproxy.service.plugins import Choice, PluginChooser
from vdproxy.wire.constants import DEFAULT_MAX_MESSAGE, MAX_SKIPPED

_NAME = re.compile(r"[A-Za-z0-9._-]+")

#: The sections there can be, as the words before the colons.
_FORMS = {
    ("vm",),
    ("handler",),
    ("filter",),
    ("frontend",),
    ("vm", "handler"),
    ("vm", "filter"),
    ("vm", "frontend"),
    ("vm", "frontend", "filter"),
    ("vm", "client", "filter"),
}
_HINTS = ["vdproxy", *sorted({f"{word}:" for form in _FORMS for word in form})]


@dataclass(frozen=True)
class ProcessOptions:
    """The section ``[vdproxy]``."""

    control: str = ""
    status: str = ""
    metrics: str = ""
    max_memory: Size = Size(512 * 1024 * 1024)


@dataclass(frozen=True)
class VMOptions:
    """A section ``[vm:NAME]``, as text where it needs the rest to be understood."""

    guest: str = ""
    guest_listen: str = ""
    qmp: str = ""
    clients: str = ""
    handlers: tuple[str, ...] = ("capabilities", "monitors")
    filters: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    max_clients: int = DEFAULT_MAX_CLIENTS
    max_message: Size = Size(DEFAULT_MAX_MESSAGE)

    def __post_init__(self) -> None:
        if bool(self.guest) == bool(self.guest_listen):
            raise ValueError("one of guest and guest-listen is needed, and not both")
        if self.max_clients < 1:
            raise ValueError("max-clients: at least 1 is needed")
        largest = MAX_SKIPPED - 8
        if not 1 <= self.max_message <= largest:
            raise ValueError(f"max-message: from 1 to {largest} bytes are possible")
        for name in self.required:
            if name not in self.filters:
                raise ValueError(f"required: {name} is not among the filters")


@dataclass(frozen=True)
class ClientsLine:
    """A line of ``clients``: who is let in where, under which name."""

    frontend: Choice
    endpoint: str
    name: str


@dataclass(frozen=True)
class VMSettings:
    """One VM; of ``guest`` and ``guest_listen`` one is empty."""

    name: str
    guest: str
    guest_listen: str
    clients: tuple[ClientsLine, ...]
    handlers: tuple[Choice, ...]
    max_clients: int
    max_message: int


@dataclass(frozen=True)
class Settings:
    """All VMs; ``notes`` has a line for each thing that is accepted without effect."""

    vms: tuple[VMSettings, ...]
    notes: tuple[str, ...]


def load(paths: Sequence[str], reactor: IReactorCore) -> Settings:
    """
    Return the settings that the files *paths* make together.

    :raises ConfigError: with a line for each problem.
    """
    problems: list[str] = []
    sections = read_files(paths, problems)
    if problems:
        raise ConfigError(problems)
    loader = _Loader(sections, reactor, problems)
    settings = loader.load()
    if not settings.vms and not problems:
        problems.append(f"{', '.join(paths)}: no section [vm:NAME], nothing to serve")
    if problems:
        # A section that several VMs share is read for each of them.
        raise ConfigError(list(dict.fromkeys(problems)))
    return settings


class _Loader:
    """Collects settings, notes and problems from the sections of all files."""

    def __init__(
        self, sections: dict[str, Section], reactor: IReactorCore, problems: list[str]
    ) -> None:
        self._sections = sections
        self._reactor = reactor
        self._problems = problems
        self._notes: list[str] = []
        self._plugins = PluginChooser(sections, problems, self._notes)
        self._served: dict[str, str] = {}

    def load(self) -> Settings:
        vms = []
        for name, section in self._sections.items():
            words = [word.partition(":") for word in name.split(" ")]
            form = tuple(kind for kind, _, _ in words)
            names = [value for _, _, value in words]
            if name == "vdproxy":
                read(ProcessOptions, [section], self._problems)
                self._note_planned("vdproxy", section)
            elif form not in _FORMS or not all(map(_NAME.fullmatch, names)):
                self._problems.append(self._unknown_section(section))
            elif form == ("vm",):
                vms.append(self._vm(section))
            else:
                self._check_vm(section, words[0])
                self._plugins.check_section(section, form[-1], names[-1])
        return Settings(tuple(vm for vm in vms if vm), tuple(self._notes))

    def _unknown_section(self, section: Section) -> str:
        word = section.name.split(" ")[-1]
        if word.startswith("vm:"):
            hint = "a VM's name has letters, digits, dots, dashes and underscores"
        else:
            hint = nearest(word.partition(":")[0] + ":", _HINTS)
        return f"{section.file}: [{section.name}] unknown section, {hint}"

    def _check_vm(self, section: Section, first: tuple[str, str, str]) -> None:
        """Check that a section about one VM is about one that there is."""
        kind, _, name = first
        if kind == "vm" and f"vm:{name}" not in self._sections:
            vms = [n.removeprefix("vm:") for n in self._sections if n.startswith("vm:")]
            hint = nearest(name, [vm for vm in vms if " " not in vm])
            self._problems.append(
                f"{section.file}: [{section.name}] unknown VM {name}, {hint}"
            )

    def _note_planned(self, kind: str, section: Section) -> None:
        for key in KEYS[kind]:
            if key in section.values:
                note = "not in this version, without effect"
                self._notes.append(section.problem(key, note))

    def _vm(self, section: Section) -> VMSettings | None:
        options = read(VMOptions, [section], self._problems)
        if options is None:
            return None
        self._note_planned("vm", section)
        if options.guest:
            self._check_endpoint(section, "guest", options.guest, client_endpoint)
        else:
            self._check_server(section, "guest-listen", options.guest_listen)
        for name in options.filters:
            self._plugins.choose(section, "filters", "filter", name)
        lines = [self._clients(section, line) for line in options.clients.splitlines()]
        return VMSettings(
            section.name.removeprefix("vm:"),
            options.guest,
            options.guest_listen,
            tuple(line for line in lines if line),
            self._plugins.choose_handlers(section, options.handlers),
            options.max_clients,
            options.max_message,
        )

    def _clients(self, section: Section, line: str) -> ClientsLine | None:
        match line.split():
            case []:
                return None
            case [frontend, endpoint]:
                name = ""
            case [frontend, endpoint, "as", name] if _NAME.fullmatch(name):
                pass
            case _:
                text = f"{line.strip()!r} is not FRONTEND ENDPOINT [as NAME]"
                self._problems.append(section.problem("clients", text))
                return None
        self._check_server(section, "clients", endpoint)
        choice = self._plugins.choose(section, "clients", "frontend", frontend)
        return ClientsLine(choice, endpoint, name) if choice else None

    def _check_server(self, section: Section, key: str, text: str) -> None:
        self._check_endpoint(section, key, text, server_endpoint)
        address = text.partition(":mode=")[0]
        if address in self._served:
            problem = f"{address} is served by [{self._served[address]}] already"
            self._problems.append(section.problem(key, problem))
        self._served[address] = section.name

    def _check_endpoint(
        self,
        section: Section,
        key: str,
        text: str,
        parse: Callable[[IReactorCore, str], object],
    ) -> None:
        try:
            parse(self._reactor, text)
        except ValueError as error:
            self._problems.append(section.problem(key, str(error)))
