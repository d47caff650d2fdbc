"""What a configuration means: everything checked before anything runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from twisted.internet.interfaces import IReactorCore

from vdproxy.errors import ConfigError
from vdproxy.hub.access import Access
from vdproxy.hub.budget import Limits
from vdproxy.net.endpoints import client_endpoint, server_endpoint
from vdproxy.options import Section, Size, nearest, read, split
from vdproxy.service.access import nobody_by, read_access
from vdproxy.service.ini import read_files
from vdproxy.service.planned import KEYS, NOTE
from vdproxy.service.plugins import Choice, PluginChooser
from vdproxy.wire.constants import MAX_SKIPPED
from vdproxy.wire.messages import Clipboard

_Endpoint = TypeVar("_Endpoint")

#: Bytes of data for which a message's size still has 31 bits, headers included.
_LARGEST_MESSAGE = MAX_SKIPPED - (Clipboard.data_offset or 0)

#: Bytes: less would have small messages wait for one another.
_LEAST_MEMORY = 1024 * 1024
_LEAST_QUEUED = 64 * 1024

#: Seconds, an hour: whoever is to have longer is to have for ever.
_LONGEST_STALL = 3600

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

#: What VMs, plugins and clients can be called.
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_NAME_HAS = "letters, digits, dots, dashes and underscores"


@dataclass(frozen=True)
class ProcessOptions:
    """The section ``[vdproxy]``."""

    control: str = ""
    status: str = ""
    metrics: str = ""
    max_memory: Size = Size(512 * 1024 * 1024)
    max_clients: int = 256
    max_clients_per_uid: int = 128

    def problems(self) -> list[str]:
        """Return what is wrong with values that can be read, a line each."""
        return [
            *_too_small("max-memory", self.max_memory, _LEAST_MEMORY, "bytes are"),
            *_too_small("max-clients", self.max_clients),
            *_too_small("max-clients-per-uid", self.max_clients_per_uid),
        ]


@dataclass(frozen=True)
class VMOptions:
    """A section ``[vm:NAME]``, as text where it needs the rest to be understood."""

    guest: str = ""
    guest_listen: str = ""
    qmp: str = ""
    clients: str = ""
    handlers: tuple[str, ...] = (
        "capabilities",
        "clipboard",
        "file-transfer",
        "monitors",
        "mouse",
        "display",
        "audio",
        "graphics-device",
    )
    filters: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    allow_users: tuple[str, ...] = ()
    allow_groups: tuple[str, ...] = ()
    max_clients: int = Limits.max_clients
    max_message: Size = Size(Limits.max_message)
    max_queued: Size = Size(Limits.max_queued)
    max_stall: int = int(Limits.max_stall)
    max_rate: int = Limits.max_rate

    @property
    def limits(self) -> Limits:
        return Limits(
            self.max_clients,
            self.max_message,
            self.max_queued,
            self.max_stall,
            self.max_rate,
        )

    def problems(self) -> list[str]:
        """Return what is wrong with values that can be read, a line each."""
        problems = []
        if not self.guest and not self.guest_listen:
            problems.append("guest: missing, and guest-listen too")
        if self.guest and self.guest_listen:
            problems.append("guest: guest-listen is given too, and only one can be")
        problems += _too_small("max-clients", self.max_clients)
        if not 1 <= self.max_message <= _LARGEST_MESSAGE:
            problems.append(
                f"max-message: from 1 to {_LARGEST_MESSAGE} bytes are possible"
            )
        problems += _too_small(
            "max-queued", self.max_queued, _LEAST_QUEUED, "bytes are"
        )
        if not 1 <= self.max_stall <= _LONGEST_STALL:
            problems.append(
                f"max-stall: from 1 to {_LONGEST_STALL} seconds are possible"
            )
        problems += _too_small("max-rate", self.max_rate)
        for name in self.required:
            if name not in self.filters:
                hint = nearest(name, self.filters)
                problems.append(f"required: {name} is not among the filters, {hint}")
        return problems


@dataclass(frozen=True)
class ClientsLine:
    """A line of ``clients``: who is let in where, under which name."""

    frontend: Choice
    endpoint: str
    name: str


@dataclass(frozen=True)
class VMSettings:
    """One VM; of ``guest`` and ``guest_listen`` one is empty, ``qmp`` may be."""

    name: str
    guest: str
    guest_listen: str
    qmp: str
    clients: tuple[ClientsLine, ...]
    handlers: tuple[Choice, ...]
    filters: tuple[Choice, ...]
    limits: Limits
    access: Access


@dataclass(frozen=True)
class Settings:
    """
    The process and all VMs.

    ``notes`` has a line for each thing that is accepted without effect.
    """

    process: ProcessOptions
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


def _spelled(form: tuple[str, ...]) -> str:
    return " ".join(f"{word}:" for word in form)


class _Loader:
    """Collects settings, notes and problems from the sections of all files."""

    def __init__(
        self, sections: dict[str, Section], reactor: IReactorCore, problems: list[str]
    ) -> None:
        self._sections = sections
        self._vms = {
            name.removeprefix("vm:"): section
            for name, section in sections.items()
            if name.startswith("vm:") and " " not in name
        }
        self._reactor = reactor
        self._problems = problems
        self._notes: list[str] = []
        self._plugins = PluginChooser(sections, problems, self._notes)
        self._served: dict[str, str] = {}
        self._process_options = ProcessOptions()

    def load(self) -> Settings:
        vms = []
        for name, section in self._sections.items():
            words = [word.partition(":") for word in name.split(" ")]
            form = tuple(kind for kind, _, _ in words)
            names = [value for _, _, value in words]
            if name == "vdproxy":
                self._process(section)
            elif form not in _FORMS or not all(map(_NAME.fullmatch, names)):
                self._problems.append(self._unknown_section(section, form))
            elif form == ("vm",):
                vms.append(self._vm(section))
            else:
                scope = dict(zip(form, names, strict=True))
                before = len(self._problems)
                self._check_scope(section, scope)
                self._plugins.check_section(section, form[-1], names[-1])
                if "filter" in scope and len(self._problems) == before:
                    self._check_on_duty(section, scope)
        notes = dict.fromkeys(self._notes)
        return Settings(
            self._process_options, tuple(vm for vm in vms if vm), tuple(notes)
        )

    def _process(self, section: Section) -> None:
        options = read(ProcessOptions, [section], self._problems)
        if options is not None:
            self._process_options = options
            self._problems += [f"{section.where} {p}" for p in options.problems()]
        for key in ("control", "status", "metrics"):
            if text := getattr(options, key, ""):
                self._check_server(section, key, text)
        self._note_planned("vdproxy", section)

    def _unknown_section(self, section: Section, form: tuple[str, ...]) -> str:
        if form in _FORMS:
            hint = f"a name has {_NAME_HAS}"
        else:
            hint = nearest(_spelled(form), ["vdproxy", *map(_spelled, _FORMS)])
        return f"{section.where} unknown section, {hint}"

    def _check_scope(self, section: Section, scope: dict[str, str]) -> None:
        """Check that the VM, frontend or client that a section is for is there."""
        problems = []
        vm = self._vms.get(scope.get("vm", ""))
        if "vm" in scope:
            problems.append(_unknown("VM", scope["vm"], list(self._vms)))
        if vm is not None and "client" in scope:
            lines = [line.split() for line in vm.values.get("clients", "").splitlines()]
            known = [words[3] for words in lines if len(words) == 4]
            problems.append(_unknown("client", scope["client"], known))
        if len(scope) > 2 and "frontend" in scope:
            problems.append(self._plugins.unusable("frontend", scope["frontend"]))
        self._problems += [
            f"{section.where} {problem}" for problem in problems if problem
        ]

    def _check_on_duty(self, section: Section, scope: dict[str, str]) -> None:
        """
        Check that the filter that a section is about is asked.

        One that is not would be believed in. A section for all VMs may stand in a
        file that they share, so that is worth a note only.
        """
        name, where = scope["filter"], section.where
        if "vm" not in scope:
            if not any(name in _filters(vm) for vm in self._vms.values()):
                self._notes.append(f"{where} no VM lists {name}, without effect")
            return
        listed = _filters(self._vms[scope["vm"]])
        if name not in listed:
            problem = f"{name} is not among the VM's filters, {nearest(name, listed)}"
            self._problems.append(f"{where} {problem}")

    def _note_planned(self, kind: str, section: Section) -> None:
        for key in KEYS[kind]:
            if key in section.values:
                self._notes.append(section.problem(key, NOTE))

    def _vm(self, section: Section) -> VMSettings | None:
        before = len(self._problems)
        options = read(VMOptions, [section], self._problems)
        if options is None:
            return None
        if len(self._problems) == before:
            # Otherwise what cannot be read may be why.
            self._problems += [f"{section.where} {p}" for p in options.problems()]
        if options.guest:
            self._check_endpoint(section, "guest", options.guest, client_endpoint)
        if options.guest_listen:
            self._check_server(section, "guest-listen", options.guest_listen)
        if options.qmp:
            self._check_endpoint(section, "qmp", options.qmp, client_endpoint)
        told = [self._clients(section, line) for line in options.clients.splitlines()]
        lines = tuple(line for line in told if line)
        access = read_access(
            section, options.allow_users, options.allow_groups, self._problems
        )
        for note in [nobody_by(line.endpoint, access) for line in lines]:
            if note is not None:
                self._notes.append(section.problem("clients", note))
        return VMSettings(
            section.name.removeprefix("vm:"),
            options.guest,
            options.guest_listen,
            options.qmp,
            lines,
            self._plugins.choose_handlers(section, options.handlers),
            self._plugins.choose_filters(
                section,
                options.filters,
                options.required,
                dict.fromkeys((line.frontend.name, line.name) for line in lines),
            ),
            options.limits,
            access,
        )

    def _clients(self, section: Section, line: str) -> ClientsLine | None:
        match line.split():
            case []:
                return None
            case [frontend, endpoint]:
                name = ""
            case [frontend, endpoint, "as", name]:
                if not _NAME.fullmatch(name):
                    text = f"{name!r} is no client's name, which has {_NAME_HAS}"
                    self._problems.append(section.problem("clients", text))
            case _:
                text = f"{line.strip()!r} is not FRONTEND ENDPOINT [as NAME]"
                self._problems.append(section.problem("clients", text))
                return None
        self._check_server(section, "clients", endpoint)
        choice = self._plugins.choose(section, "clients", "frontend", frontend)
        return ClientsLine(choice, endpoint, name) if choice else None

    def _check_server(self, section: Section, key: str, text: str) -> None:
        endpoint = self._check_endpoint(section, key, text, server_endpoint)
        path = getattr(endpoint, "path", None)
        address = f"unix:{path.absolute()}" if path else text
        if address in self._served:
            shown = f"unix:{path}" if path else text
            problem = f"{shown} is served by [{self._served[address]}] already"
            self._problems.append(section.problem(key, problem))
        self._served[address] = section.name

    def _check_endpoint(
        self,
        section: Section,
        key: str,
        text: str,
        parse: Callable[[IReactorCore, str], _Endpoint],
    ) -> _Endpoint | None:
        try:
            return parse(self._reactor, text)
        except ValueError as error:
            self._problems.append(section.problem(key, str(error)))
            return None


def _too_small(key: str, value: int, least: int = 1, unit: str = "is") -> list[str]:
    """Return what is wrong with a *value* that is less than the *least*, if it is."""
    return [] if value >= least else [f"{key}: at least {least} {unit} needed"]


def _filters(vm: Section) -> list[str]:
    """Return the names that a VM's section gives as its filters, good or not."""
    return split(vm.values.get("filters", ""))


def _unknown(kind: str, name: str, known: list[str]) -> str | None:
    """Return what is wrong with a *name* that is not among those that are *known*."""
    return None if name in known else f"unknown {kind} {name}, {nearest(name, known)}"
