"""What tests of several layers share: time limits, files, fixture plugins."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import wraps
from itertools import count
from pathlib import Path

import pytest
import twisted.plugins
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import deferLater
from twisted.logger import formatEvent, globalLogPublisher

from vdproxy.handlers.capabilities import CapabilitiesHandler
from vdproxy.handlers.monitors import MonitorsHandler
from vdproxy.hub.budget import Limits
from vdproxy.hub.hub import Hub
from vdproxy.hub.isolation import Installed
from vdproxy.makers import NoOptions
from vdproxy.service.settings import load
from vdproxy.service.vm import VMService

_numbers = count(1)


def within(seconds):
    """Fail an ``async def`` test that is not done in *seconds*."""

    def decorate(test):
        @wraps(test)
        def run(*args, **kwargs):
            from twisted.internet import reactor  # noqa: TID251 - as late as can be

            return Deferred.fromCoroutine(test(*args, **kwargs)).addTimeout(
                seconds, reactor
            )

        return run

    return decorate


async def until(reactor, condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait in the reactor until *condition* holds."""
    end = reactor.seconds() + seconds
    while not condition():
        assert reactor.seconds() < end, f"not in {seconds:g} s"
        await deferLater(reactor, 0.01)


def leaves_unbound_sockets(test):
    """Collect what Twisted leaves behind in *test*: sockets it could not bind."""
    test = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")(test)
    return pytest.mark.usefixtures("collected")(test)


async def settled(reactor) -> None:
    """Wait until simulated guests have noticed that they were left."""
    await until(
        reactor,
        lambda: not any("Simulated" in str(r) for r in reactor.getReaders()),
    )


class LogLines:
    """What was logged, as text; ``events`` has the events themselves."""

    def __init__(self) -> None:
        self.events: list[dict] = []

    def __enter__(self):
        globalLogPublisher.addObserver(self.events.append)
        return self

    def __exit__(self, *exc_info: object) -> None:
        globalLogPublisher.removeObserver(self.events.append)
        self.events.clear()

    def of(self, *words: str) -> list[str]:
        """Return the lines of vdproxy that have all these words in them."""
        lines = [
            formatEvent(event)
            for event in self.events
            if str(event.get("log_namespace", "")).startswith("vdproxy")
        ]
        return [line for line in lines if all(word in line for word in words)]


def new_hub(clock, **limits) -> Hub:
    """Return a hub with the handlers that come with vdproxy."""
    handlers = {"capabilities": CapabilitiesHandler(), "monitors": MonitorsHandler()}
    installed = [Installed(name, h, NoOptions()) for name, h in handlers.items()]
    return Hub("demo", clock, installed, limits=Limits(**limits))


def write(folder: Path, text: str, name: str = "vm.ini") -> str:
    """Write a configuration and return its path."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


@asynccontextmanager
async def served(
    reactor, path: str, *, tracing: bool = False
) -> AsyncIterator[list[VMService]]:
    """Serve the VMs of a configuration."""
    settings = load([path], reactor)
    vms = [VMService(vm, reactor, tracing=tracing) for vm in settings.vms]
    for vm in vms:
        vm.startService()
    try:
        yield vms
    finally:
        for vm in vms:
            await maybeDeferred(vm.stopService)
        await settled(reactor)


class PluginFolder:
    """A folder that Twisted looks for plugins in, and Python for modules."""

    def __init__(self, folder: Path, monkeypatch) -> None:
        plugins = folder / "plugins"
        modules = folder / "modules"
        for made in (plugins, modules):
            made.mkdir()
        monkeypatch.setattr(
            twisted.plugins, "__path__", [*twisted.plugins.__path__, str(plugins)]
        )
        monkeypatch.syspath_prepend(str(modules))
        self._plugins = plugins
        self._modules = modules
        self._imported: list[str] = []

    def module(self, text: str) -> str:
        """Write a module and return its name, which no other has."""
        name = f"third_party_{next(_numbers)}"
        (self._modules / f"{name}.py").write_text(text)
        self._imported.append(name)
        return name

    def declare(self, text: str) -> None:
        """Write a plugin file with these lines after its imports."""
        name = f"vdproxy_third_party_{next(_numbers)}"
        imports = "from vdproxy.makers import FrontendMaker, HandlerMaker\n"
        (self._plugins / f"{name}.py").write_text(imports + text)
        self._imported.append(f"twisted.plugins.{name}")

    def handler(self, name: str, module_text: str) -> str:
        """Install a handler *name* and return its module's name."""
        module = self.module(module_text)
        self.declare(f"maker = HandlerMaker({name!r}, {module!r}, 'A fixture.')\n")
        return module

    def forget(self) -> None:
        """Have Python forget what was imported."""
        for name in self._imported:
            sys.modules.pop(name, None)
