"""
What becomes of an agent that is waited for in vain.

QEMU's socket does not tell when the guest closes the port, and an agent may hang, or
die in the middle of anything. What is known of that comes from the clock, from the
link, and from QEMU's own word where it can be had: hints, the truth of which is what
the agent says.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from vdproxy.link.guest import GuestLink

#: Seconds between two looks at what may not come.
_CHECK = 0.5

#: Seconds of silence in the middle of a message after which its rest is looked
#: through for a new agent's announcement. A living agent pauses for less.
_QUIET = 1.0

#: Seconds after which a question is repeated that a speaking guest has not
#: answered; agents answer within 25 ms.
_PATIENCE = 2.0

#: Seconds after which the connection is made anew to an agent that answers no
#: question, says no more of a message, or reads none. That is what brings
#: spice-vdagentd round.
_STALL = 30.0

#: Seconds that QEMU's word of the port may be late: it tells of one change a second.
_LATE = 2.0

#: Seconds that an answer of QEMU's may be behind what the port has said meanwhile.
_BEHIND = 0.1

#: Seconds of silence after an opening in which no announcement has come.
_UNHEARD = 0.5

#: Seconds for what an agent said before it closed the port to come in.
_LAST_WORDS = 0.25

_CLOSED = "it has closed its port"
_UNANNOUNCED = "it has opened its port and does not announce itself"


class Watched(Protocol):
    """The guest, as far as it is watched."""

    @property
    def paused(self) -> bool:
        """Whether nothing that the guest says is acted upon for now."""

    @property
    def queued(self) -> int:
        """Bytes that wait until the socket has room."""

    @property
    def unread(self) -> Hashable | None:
        """What was sent and waits to be read, which changes as it is; or None."""

    def process_events(self) -> None:
        """Act on what the link has to report."""

    def connect_anew(self, reason: str) -> None:
        """End the connection, so that another is made."""


class _Lasting:
    """For how long something has been just so; None is that it is not at all."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._what: Hashable = None
        self._since = 0.0

    def is_now(self, what: Hashable) -> None:
        """Take note of what it is now."""
        if what != self._what:
            self._what, self._since = what, self._clock.seconds()

    def __bool__(self) -> bool:
        return self._what is not None

    @property
    def seconds(self) -> float:
        """How long, 0 if it is not."""
        return self._clock.seconds() - self._since if self else 0.0


class Watch:
    """
    Watches one connection to a guest's port, from its beginning to its end.

    ``vm_stopped`` tells that the VM stands still, so that nothing can come.
    """

    def __init__(
        self, guest: Watched, link: GuestLink, clock: IReactorTime, *, vm_stopped: bool
    ) -> None:
        self._guest = guest
        self._link = link
        self._clock = clock
        self._vm_stopped = vm_stopped
        self._unfinished = _Lasting(clock)
        self._unanswered = _Lasting(clock)
        self._mute = _Lasting(clock)
        self._stalled = _Lasting(clock)
        #: How much had been received when the rest of a message was looked through.
        self._searched: int | None = None
        #: When an agent announced itself of whose opening QEMU has not told.
        self._announced_at = float("-inf")
        self._awaits_announcement = False
        self._quiet_so_far = True
        #: Whether the guest may not have read what was sent, as far as was looked.
        self._unread = False
        self._check_call: IDelayedCall | None = None
        self._port_call: IDelayedCall | None = None

    def look(self) -> None:
        """Look again soon if there is something that may not come."""
        if self._waits():
            self._look_soon()
        else:
            self._look_no_more()

    def look_at_heard(self) -> None:
        """Look again soon if the guest may not end what it has begun, or not answer."""
        link = self._link
        if link.unfinished or link.unanswered or link.mute:
            if self._check_call is None:
                self.look()
        elif not self._unread:
            self._look_no_more()

    def look_at_sent(self) -> None:
        """Look soon whether the guest has read what was sent to it."""
        self._unread = True
        self._look_soon()

    def end(self) -> None:
        """Watch no more: the connection has ended."""
        self._cancel_port_call()
        self._look_no_more()

    def _look_soon(self) -> None:
        if self._check_call is None:
            self._check_call = self._clock.callLater(_CHECK, self._check)

    def _look_no_more(self) -> None:
        if self._check_call is not None:
            self._check_call.cancel()
            self._check_call = None
            # Of the next question it is not to be said for how long it has waited.
            self._unanswered.is_now(None)
            self._mute.is_now(None)

    def announced(self, *, anew: bool) -> None:
        """
        Take note that an agent has announced itself.

        It has opened the port if it does so *anew*, and also if it is the first on
        this connection: the end of the one before has closed the port.
        """
        if (anew or self._quiet_so_far) and not self._awaits_announcement:
            self._announced_at = self._clock.seconds()
        self._quiet_so_far = False
        self._cancel_port_call()

    def stop_or_resume(self, *, vm_stopped: bool) -> None:
        """Take note that the VM has been stopped, or goes on."""
        self._vm_stopped = vm_stopped
        if self._awaits_announcement and not vm_stopped:
            self._await_announcement()
        self.look()

    def port_opened(self) -> None:
        """
        Take note that the guest has opened its port, which was closed before.

        Who does so announces itself, before this word of it or behind. One that does
        not has read the rest of something first: then it opens the port once more
        and says nothing.
        """
        self._cancel_port_call()
        if not self._is_known():
            self._expect_another(is_there=True)
            if not self._is_known():
                self._await_announcement()

    def port_closed(self) -> None:
        """
        Take note that the guest's port is closed.

        What the agent has not read would be its successor's, and takes it down, so
        there is no time for last words then.
        """
        self._cancel_port_call()
        if self._clock.seconds() - self._announced_at <= _BEHIND:
            # Its opening has not been told of: this is of the time before.
            seconds = _LATE
        else:
            self._expect_another(is_there=False)
            seconds = _LAST_WORDS if self._guest.unread is None else 0.0
        self._after_silence(seconds, partial(self._lose, _CLOSED))

    def _is_known(self) -> bool:
        """Tell whether the opening that QEMU tells of is that of the agent we know."""
        known = self._clock.seconds() - self._announced_at <= _LATE
        self._announced_at = float("-inf")
        return known

    def _expect_another(self, *, is_there: bool) -> None:
        self._link.expect_another(is_there=is_there)
        self._guest.process_events()

    def _await_announcement(self) -> None:
        self._cancel_port_call()
        self._awaits_announcement = True
        self._after_silence(_UNHEARD, partial(self.doubt, _UNANNOUNCED))

    def doubt(self, reason: str) -> None:
        """
        Take an agent for lost that has answered once, for this *reason*.

        Not that of a VM that stands still, nor one that would hear nothing more: the
        Windows agent announces itself whenever it opens the port, and believes on in
        what it has copied when it is asked who it is.
        """
        if self._link.reconnects and not self._vm_stopped:
            self._lose(reason)

    def _lose(self, reason: str) -> None:
        # Only a new connection rids the socket of what the agent has not read; where
        # none is to be had, whoever is there is asked.
        if not self._link.synced:
            return
        if self._link.reconnects:
            self._guest.connect_anew(reason)
        else:
            self._link.doubt(reason)
            self._guest.process_events()

    def _after_silence(self, seconds: float, act: Callable[[], None]) -> None:
        """Call *act* when nothing has come from the guest for a while."""
        received = self._link.received

        def after() -> None:
            self._port_call = None
            if self._link.received == received:
                act()
            else:
                self._after_silence(seconds, act)

        self._port_call = self._clock.callLater(seconds, after)

    def _cancel_port_call(self) -> None:
        self._awaits_announcement = False
        if self._port_call is not None:
            self._port_call.cancel()
            self._port_call = None

    def _waits(self) -> bool:
        """Note what may not come, and tell whether there is any such thing."""
        link, goes_on = self._link, not self._vm_stopped
        unfinished = link.received if link.unfinished else None
        unread = self._guest.unread if link.synced else None
        self._unread = unread is not None
        stalls = unfinished is not None or unread is not None
        stalls = stalls and goes_on and link.reconnects
        searched = not goes_on or unfinished == self._searched
        self._unfinished.is_now(None if searched else unfinished)
        self._unanswered.is_now(True if link.unanswered and goes_on else None)
        self._mute.is_now(True if link.mute and goes_on else None)
        self._stalled.is_now((link.received, unread) if stalls else None)
        return any((self._unfinished, self._unanswered, self._mute, self._stalled))

    def _check(self) -> None:
        self._check_call = None
        if self._guest.paused:
            self._look_soon()
            return
        waits = self._waits()
        if self._unfinished.seconds >= _QUIET:
            self._searched = self._link.received
            self._link.quiet()
        if self._unanswered.seconds >= _PATIENCE and not self._guest.queued:
            self._link.ask_again()
        if self._mute.seconds >= _STALL:
            self._guest.connect_anew("it answers nothing")
        elif self._stalled.seconds >= _STALL:
            half = "it says no more of a message"
            self._guest.connect_anew(
                half if self._link.unfinished else "it reads nothing"
            )
        else:
            if waits:
                self._look_soon()
            self._guest.process_events()
