"""
Notify: the guest's notifications go to every client, the clients' to the guest.

What the guest has to say while no client can show it is kept for the first that
can: a job that ends in the night is told of in the morning.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

from zope.interface import implementer

from vdproxy.api import (
    VM,
    Capabilities,
    Client,
    Handler,
    IMessageHandler,
    Message,
    Peer,
    option,
)
from vdproxy_notify.message import NOTIFICATIONS, Notification

#: Notifications that one peer may send in one period, and the period in seconds.
#: Nobody reads more.
_MAX_SENT = 20
_PERIOD = 10.0

#: The most that ``keep`` can be: 4 MiB of memory.
_MAX_KEPT = 1024


@dataclass(frozen=True)
class Options:
    """What becomes of notifications that nobody can see."""

    keep: int = option(
        "how many notifications are kept, the newest, while no client can show them", 20
    )

    def __post_init__(self) -> None:
        if not 0 <= self.keep <= _MAX_KEPT:
            raise ValueError(f"keep: {self.keep} is not from 0 to {_MAX_KEPT}")


@implementer(IMessageHandler)
class NotifyHandler(Handler):
    """
    Forwards notifications between peers that have announced the capability.

    Nobody waits for one, so there is nothing to answer where a filter refuses it:
    ``dropped`` and ``withheld`` are those of ``Handler``, which do nothing.
    """

    messages = (Notification,)
    relayed = Capabilities.of(NOTIFICATIONS)

    def __init__(self, options: Options) -> None:
        self._kept: deque[Notification] = deque(maxlen=options.keep)
        self._sent: Counter[Peer] = Counter()

    def start(self, vm: VM) -> None:
        self._vm = vm

    def client_ready(self, client: Client) -> None:
        if client.agreed(NOTIFICATIONS):
            while self._kept:
                client.send(self._kept.popleft(), source=self._vm.guest)

    def received(self, peer: Peer, message: Message) -> None:
        if not isinstance(message, Notification) or not peer.agreed(NOTIFICATIONS):
            return
        if self._is_too_much(peer):
            self._vm.count("notifications-left-out")
            self._vm.log.info("too many notifications of {peer}", peer=peer.label)
        elif peer is self._vm.guest:
            self._show(message)
        elif self._vm.guest.agreed(NOTIFICATIONS):
            self._vm.guest.send(message, source=peer)

    def _show(self, notification: Notification) -> None:
        clients = [c for c in self._vm.clients if c.agreed(NOTIFICATIONS)]
        for client in clients:
            client.send(notification, source=self._vm.guest)
        if not clients:
            self._kept.append(notification)

    def _is_too_much(self, peer: Peer) -> bool:
        if not self._sent:
            self._vm.clock.callLater(_PERIOD, self._sent.clear)
        self._sent[peer] += 1
        return self._sent[peer] > _MAX_SENT


def make(options: Options) -> NotifyHandler:
    """Return the handler for one VM."""
    return NotifyHandler(options)
