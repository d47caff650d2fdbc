"""What a filter may answer, at once or in time, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from vdproxy.hub.filter import Filter
from vdproxy.hub.isolation import Failed, PluginFault
from vdproxy.hub.peer import Peer
from vdproxy.hub.verdicts import Direction, Drop, Replace, Verdict
from vdproxy.wire.capabilities import FILES_DISABLED
from vdproxy.wire.messages import AnnounceCapabilities, Message

#: Seconds that a filter has to answer, by the VM's clock.
_PATIENCE = 5.0

#: Characters of a reason: it is one line in a log.
_MAX_REASON = 200


def asked(filter: Filter, direction: Direction, peer: Peer, message: Message) -> Any:  # noqa: ANN401 - a plugin may answer anything
    """Return what *filter* answers, of which a coroutine has begun to run."""
    ask = filter.incoming if direction == "in" else filter.outgoing
    answer = ask(peer, message)
    if answer is not None and isinstance(answer, Coroutine):
        return Deferred.fromCoroutine(answer)
    return answer


def read(answer: object, peer: Peer, message: Message) -> Verdict:
    """
    Return the verdict on *message* that an answer is.

    :raises PluginFault: it is none. A replacement that cannot be told on the link
        of *peer* raises what its encoding does.
    """
    match answer:
        case None:
            return None
        case Drop(reason=str(reason)):
            line = " ".join(reason.split())[:_MAX_REASON]
            return Drop("".join(c if c.isprintable() else "?" for c in line))
        case Replace(message=replacement):
            _check_replacement(replacement, peer, message)
            return answer
    raise PluginFault(f"its answer is a {type(answer).__name__}, which is no verdict")


def _check_replacement(replacement: object, peer: Peer, message: Message) -> None:
    kind = type(message)
    if not isinstance(replacement, kind) or replacement.number != message.number:
        raise PluginFault(
            f"it would replace a {kind.__name__} by a {type(replacement).__name__}"
        )
    if replacement.subject != message.subject:
        raise PluginFault(f"it would replace a {kind.__name__} by one about another")
    if isinstance(message, AnnounceCapabilities) and isinstance(
        replacement, AnnounceCapabilities
    ):
        # What a filter may add takes something away.
        offered = message.capabilities | FILES_DISABLED
        if replacement.capabilities - offered:
            raise PluginFault("it would add capabilities to an announcement")
    else:
        peer.check(replacement)


class Wait:
    """
    An answer that a filter owes.

    ``result`` is that answer, or Failed, once it is ``over``; ``ended`` is called
    when that comes about after a while. ``listener`` is for whoever wants it, None
    if nobody does; ``method`` and ``occasion`` say what the filter was asked. Other
    messages may have been promised the same Deferred: it is theirs as well.
    """

    def __init__(
        self,
        answer: Deferred[Any],
        method: str,
        occasion: str,
        clock: IReactorTime,
        ended: Callable[[Wait], None],
    ) -> None:
        self.method = method
        self.occasion = occasion
        self.over = False
        self.result: object = None
        self.listener: Callable[[object], None] | None = None
        self.answer = answer
        self._ended: Callable[[Wait], None] | None = None
        self._timer: IDelayedCall | None = None
        answer.addBoth(self._fired)
        if not self.over:
            self._ended = ended
            self._timer = clock.callLater(_PATIENCE, self._too_late)

    def give_up(self, reason: str) -> None:
        """Have it over without an answer."""
        self._end(Failed(PluginFault(reason)))

    def _fired(self, result: object) -> object:
        # A Failure would be logged with its words, as one that nobody handled.
        if isinstance(result, Failure):
            result = Failed(result.value or PluginFault("it failed for no reason"))
        if not self.over:
            self._end(result)
        return result

    def _too_late(self) -> None:
        self._timer = None
        self.give_up(f"no answer in {_PATIENCE:g} s")

    def _end(self, result: object) -> None:
        self.over = True
        self.result = result
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._ended is not None:
            self._ended(self)
