"""
Asking: what one client wishes goes to the guest, its REPLY to whoever asked.

A REPLY names no request and the Linux agent sends none on an error, so of a type
one request at a time is on its way, for at most two seconds. Of those that one
client sends meanwhile only the newest matters; it answers for all of them. An
agent that does not reply is taken to have done as it was told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from twisted.internet.interfaces import IDelayedCall

from vdproxy.api import (
    VM,
    Capabilities,
    Capability,
    Client,
    Handler,
    Message,
    Peer,
    Reply,
    ReplyError,
    Sending,
    message_name,
)
from vdproxy.handlers.ownership import Ownership

#: Seconds within which an agent replies; the Linux agent does so at once.
_REPLY_TIMEOUT = 2.0

#: Replies that one client may be owed; over that it is told ERROR at once about a
#: request that a newer one has replaced. A viewer that is being resized sends
#: some ten a second.
_MAX_OWED = 32

_SUCCESS = ReplyError.VD_AGENT_SUCCESS
_ERROR = ReplyError.VD_AGENT_ERROR

_M = TypeVar("_M", bound=Message)


@dataclass
class _Request(Generic[_M]):
    """A client's newest request, and how many replies it is owed."""

    client: Client
    message: _M
    owed: int = 0


class AskingHandler(Handler, Generic[_M]):
    """
    Forwards the owner's requests one by one and answers whoever asked.

    ``request`` is their class, ``needs`` what an agent announces that takes them.
    The owner's last one is told again to each agent that comes up.
    """

    def __init__(self, request: type[_M], needs: Capability, owner: str) -> None:
        self.messages = (request,)
        self._request = request
        self._needs = needs
        self._ownership = Ownership(owner)
        self._wishes: dict[Client, _M] = {}
        self._waiting: dict[Client, _Request[_M]] = {}
        self._asking: _Request[_M] | None = None
        self._sending: Sending | None = None
        self._ignored = False
        self._other_forms: list[_M] = []
        self._timeout: IDelayedCall | None = None

    def forms(self, message: _M) -> Sequence[_M]:
        """
        Return the ways to tell this agent *message*, the best first.

        When it is silent about one, the next is tried.
        """
        return (message,)

    def ignored_better_form(self) -> None:
        """Take note that the agent replies, and not to the best of the forms."""

    def start(self, vm: VM) -> None:
        self._vm = vm

    def stop(self) -> None:
        self._fail_all()

    def guest_up(self, capabilities: Capabilities) -> None:
        owner = self._ownership.owner
        if owner is not None and self._vm.guest.can(self._needs):
            self._waiting[owner] = _Request(owner, self._wishes[owner])
            self._ask_next()

    def guest_lost(self) -> None:
        self._fail_all()

    def client_left(self, client: Client) -> None:
        self._ownership.left(client)
        self._wishes.pop(client, None)
        self._waiting.pop(client, None)
        if self._asking is not None and self._asking.client is client:
            self._asking.owed = 0

    def received(self, peer: Peer, message: Message) -> None:
        if isinstance(peer, Client):
            if isinstance(message, self._request):
                self._asked(peer, message)
        elif isinstance(message, Reply):
            self._replied(message)

    def dropped(self, peer: Peer, message: Message, reason: str) -> None:
        if isinstance(message, Reply):
            self._reply_is_lost()
        elif isinstance(peer, Client) and message.number == self._request.number:
            self._answer(peer, _ERROR)

    def withheld(self, peer: Peer, message: Message, reason: str) -> None:
        if isinstance(peer, Client):
            self._answer(peer, _ERROR)
        elif self._sending is not None and message is self._sending.original:
            self._reply_is_lost()

    def _asked(self, client: Client, message: _M) -> None:
        is_owner = self._ownership.asked(client)
        self._wishes[client] = message
        if not self._vm.guest.can(self._needs):
            self._answer(client, _ERROR)
        elif not is_owner:
            self._answer(client, _SUCCESS)
        else:
            # At the end of the row: the last wish is the one that is to last.
            request = self._waiting.pop(client, None) or _Request(client, message)
            request.message = message
            self._waiting[client] = request
            if request.owed < _MAX_OWED:
                request.owed += 1
            else:
                self._answer(client, _ERROR)
            self._ask_next()

    def _ask_next(self) -> None:
        while self._asking is None and self._waiting:
            request = self._waiting.pop(next(iter(self._waiting)))
            form, *self._other_forms = self.forms(request.message)
            self._ignored = False
            self._asking = request
            self._tell(request, form)
            refused = self._sending is not None and self._sending.message is None
            if not refused and not self._vm.guest.can(Capability.VD_AGENT_CAP_REPLY):
                self._end(_SUCCESS)

    def _reply_is_lost(self) -> None:
        if self._asking is not None:
            self._end(_ERROR)
            # What is asked next is not on account of that drop.
            self._vm.clock.callLater(0.0, self._ask_next)

    def _tell(self, request: _Request[_M], form: _M) -> None:
        self._sending = self._vm.guest.send(form, source=request.client)
        self._timeout = self._vm.clock.callLater(_REPLY_TIMEOUT, self._timed_out)

    def _replied(self, reply: Reply) -> None:
        # A REPLY that is late may be taken for one to what is on its way now: they
        # cannot be told apart, and waiting for one that the Linux agent will never
        # send would be worse. With nothing on its way it is nobody's.
        if self._asking is not None:
            if self._ignored:
                self.ignored_better_form()
            self._end(_SUCCESS if reply.error == _SUCCESS else _ERROR)
            self._ask_next()

    def _timed_out(self) -> None:
        self._timeout = None
        if self._sending is not None and self._sending.undecided:
            # Filters take their time, and the agent has not been asked.
            self._timeout = self._vm.clock.callLater(_REPLY_TIMEOUT, self._timed_out)
            return
        if self._asking is not None and self._other_forms:
            self._ignored = True
            self._tell(self._asking, self._other_forms.pop(0))
            return
        self._vm.log.warn(
            "the guest has not replied to a {message} in {seconds} s",
            message=message_name(self._request.number),
            seconds=_REPLY_TIMEOUT,
        )
        self._end(_ERROR)
        self._ask_next()

    def _fail_all(self) -> None:
        self._end(_ERROR)
        waiting, self._waiting = list(self._waiting.values()), {}
        for request in waiting:
            self._answer(request.client, _ERROR, request.owed)

    def _end(self, error: ReplyError) -> None:
        """Answer what is on its way, if anything is."""
        request, self._asking = self._asking, None
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None
        if request is not None:
            self._answer(request.client, error, request.owed)

    def _answer(self, client: Client, error: ReplyError, times: int = 1) -> None:
        for _ in range(times):
            client.send(Reply(self._request.number, error))
