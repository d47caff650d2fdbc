"""
Monitors: a client's MONITORS_CONFIG goes to the guest, its REPLY to that client.

A REPLY names no request and the Linux agent sends none on an error, so one
configuration at a time is on its way, for at most two seconds. Of those that one
client sends meanwhile only the newest matters; it answers for all of them. An
agent that does not reply is taken to have done as it was told.
"""

from __future__ import annotations

from dataclasses import dataclass

from twisted.internet.interfaces import IDelayedCall
from zope.interface import implementer

from vdproxy.api import (
    VM,
    Capabilities,
    Capability,
    Client,
    Handler,
    IMessageHandler,
    Message,
    MessageType,
    MonitorsConfig,
    NoOptions,
    Peer,
    Reply,
    ReplyError,
)

#: Seconds within which an agent replies; the Linux agent does so at once.
_REPLY_TIMEOUT = 2.0

#: Replies that one client may be owed; over that it is told ERROR at once about a
#: configuration that a newer one has replaced. A viewer that is being resized sends
#: some ten a second.
_MAX_OWED = 32

_MONITORS_CONFIG = MessageType.VD_AGENT_MONITORS_CONFIG


@dataclass
class _Asker:
    """A client's newest configuration, and how many replies it is owed."""

    client: Client
    message: MonitorsConfig
    owed: int = 1


@implementer(IMessageHandler)
class MonitorsHandler(Handler):
    """Forwards configurations one by one and answers whoever asked."""

    messages = (MonitorsConfig, Reply)
    relayed = Capabilities.of(
        Capability.VD_AGENT_CAP_MONITORS_CONFIG,
        Capability.VD_AGENT_CAP_REPLY,
        Capability.VD_AGENT_CAP_SPARSE_MONITORS_CONFIG,
        Capability.VD_AGENT_CAP_MONITORS_CONFIG_POSITION,
    )

    def __init__(self) -> None:
        self._waiting: dict[Client, _Asker] = {}
        self._asking: _Asker | None = None
        self._timeout: IDelayedCall | None = None

    def start(self, vm: VM) -> None:
        self._vm = vm

    def stop(self) -> None:
        self._fail_all()

    def guest_lost(self) -> None:
        self._fail_all()

    def client_left(self, client: Client) -> None:
        self._waiting.pop(client, None)
        if self._asking is not None and self._asking.client is client:
            self._asking.owed = 0

    def received(self, peer: Peer, message: Message) -> None:
        if isinstance(message, MonitorsConfig) and isinstance(peer, Client):
            self._asked(peer, message)
        elif (
            isinstance(message, Reply)
            and peer is self._vm.guest
            and message.type == _MONITORS_CONFIG
        ):
            success = message.error == ReplyError.VD_AGENT_SUCCESS
            self._answered(message.error if success else ReplyError.VD_AGENT_ERROR)

    def dropped(self, peer: Peer, message: Message, reason: str) -> None:
        if message.number == _MONITORS_CONFIG and isinstance(peer, Client):
            peer.send(Reply(_MONITORS_CONFIG, ReplyError.VD_AGENT_ERROR))
        elif message.number == MessageType.VD_AGENT_REPLY and peer is self._vm.guest:
            self._answered(ReplyError.VD_AGENT_ERROR)

    def _asked(self, client: Client, message: MonitorsConfig) -> None:
        guest = self._vm.guest
        agent = (guest.up and guest.announced) or Capabilities()
        if Capability.VD_AGENT_CAP_MONITORS_CONFIG not in agent:
            client.send(Reply(_MONITORS_CONFIG, ReplyError.VD_AGENT_ERROR))
            return
        if Capability.VD_AGENT_CAP_REPLY not in agent:
            guest.send(message, source=client)
            client.send(Reply(_MONITORS_CONFIG, ReplyError.VD_AGENT_SUCCESS))
            return
        waiting = self._waiting.setdefault(client, _Asker(client, message, 0))
        waiting.message = message
        if waiting.owed < _MAX_OWED:
            waiting.owed += 1
        else:
            client.send(Reply(_MONITORS_CONFIG, ReplyError.VD_AGENT_ERROR))
        self._ask_next()

    def _ask_next(self) -> None:
        if self._asking is None and self._waiting:
            client = next(iter(self._waiting))
            asker = self._asking = self._waiting.pop(client)
            self._timeout = self._vm.clock.callLater(_REPLY_TIMEOUT, self._timed_out)
            self._vm.guest.send(asker.message, source=client)

    def _answered(self, error: int) -> None:
        if self._asking is not None:
            if self._timeout is not None and self._timeout.active():
                self._timeout.cancel()
            self._finish(self._asking, error)
            self._asking = None
            self._ask_next()

    def _timed_out(self) -> None:
        self._vm.log.warn(
            "the guest has not replied to a VD_AGENT_MONITORS_CONFIG in {seconds} s",
            seconds=_REPLY_TIMEOUT,
        )
        self._answered(ReplyError.VD_AGENT_ERROR)

    def _fail_all(self) -> None:
        waiting, self._waiting = list(self._waiting.values()), {}
        self._answered(ReplyError.VD_AGENT_ERROR)
        for asker in waiting:
            self._finish(asker, ReplyError.VD_AGENT_ERROR)

    def _finish(self, asker: _Asker, error: int) -> None:
        for _ in range(asker.owed):
            asker.client.send(Reply(_MONITORS_CONFIG, error))


def make(options: NoOptions) -> MonitorsHandler:
    """Return the handler for one VM."""
    return MonitorsHandler()
