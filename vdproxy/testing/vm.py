"""A VM whose agent, clients and time are the test's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from twisted.internet.task import Clock

from vdproxy.hub.budget import Budget, Limits
from vdproxy.hub.filter import Filter
from vdproxy.hub.handler import Handler
from vdproxy.hub.hub import Hub
from vdproxy.hub.isolation import Installed
from vdproxy.makers import NoOptions
from vdproxy.registry import find
from vdproxy.service.settings import VMOptions
from vdproxy.testing.peers import SPICE_GTK, ModelAgent, ModelClient
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.codec import Codec

_P = TypeVar("_P")

#: Seconds in which the clock is advanced at a time.
_STEP = 0.125


class ModelVM:
    """
    A started hub with ``clock``, ``agent`` and any number of clients.

    ``handlers`` and ``filters`` are what is tested, each in the order of a
    configuration: plugins, or ``Installed`` ones where there are options, some that
    are special to a client, or a filter that is required. The handlers that come
    with vdproxy are there as well, with their default options, unless *builtin* is
    false (then capabilities alone is); a given one takes the place of those that
    own one of its message types. The *limits* are options of the VM by the names of
    ``Limits``. VMs of one process share a *budget* and a *clock*.
    """

    def __init__(
        self,
        handlers: Iterable[Handler | Installed[Handler]] = (),
        filters: Iterable[Filter | Installed[Filter]] = (),
        *,
        name: str = "vm",
        builtin: bool = True,
        budget: Budget | None = None,
        clock: Clock | None = None,
        tracing: bool = False,
        **limits: Any,  # noqa: ANN401 - those of Limits
    ) -> None:
        given = _installed(handlers)
        names = VMOptions.handlers if builtin else ("capabilities",)
        installed = [*_others(names, given), *given]
        self.clock = clock or Clock()
        self.hub = Hub(
            name,
            self.clock,
            installed,
            filters=_installed(filters),
            limits=Limits(**limits),
            budget=budget,
            tracing=tracing,
        )
        self.hub.start()
        self.codec = Codec(m for one in installed for m in one.plugin.messages)
        self.agent = ModelAgent(self.hub, self.codec)

    def client(
        self,
        capabilities: Capabilities = SPICE_GTK,
        *,
        name: str = "",
        frontend: str = "vdi",
        uid: int | None = 1000,
        negotiated: bool = True,
    ) -> ModelClient:
        """
        Return a client that has connected and, if *negotiated*, announced itself.

        The agent should be up for that. What plugins tell the client then waits to
        be heard. *name* is the one that its line of the configuration gives, and
        *uid* is None where its frontend cannot know it.
        """
        client = ModelClient(
            self.hub, self.codec, capabilities, name=name, frontend=frontend, uid=uid
        )
        if negotiated:
            client.negotiate()
        return client

    def advance(self, seconds: float) -> None:
        """Let time pass, in steps small enough for timers that set timers."""
        end = self.clock.seconds() + seconds
        while (left := end - self.clock.seconds()) > _STEP:
            self.clock.advance(_STEP)
        self.clock.advance(left)


def _installed(plugins: Iterable[_P | Installed[_P]]) -> list[Installed[_P]]:
    return [
        plugin
        if isinstance(plugin, Installed)
        else Installed(type(plugin).__name__, plugin, NoOptions())
        for plugin in plugins
    ]


def _others(
    names: Sequence[str], given: Sequence[Installed[Handler]]
) -> Iterator[Installed[Any]]:
    """Yield the handlers of these names that own no type of *given* ones."""
    taken = {message.number for one in given for message in one.plugin.messages}
    makers = find("handler").makers
    for name in names:
        options = makers[name].options()()
        handler = makers[name].make(options)
        if taken.isdisjoint(message.number for message in handler.messages):
            yield Installed(name, handler, options)
