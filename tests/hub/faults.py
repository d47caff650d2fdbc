"""
Filters for tests of the chain: some that say what they are told to, some that take
their time, and all the ways in which one can fail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.python.failure import Failure

from tests.hub.doubles import PINGS, ClientEnd, Ping, Relay, World
from tests.link.frames import LINUX
from vdproxy.hub.filter import Decision, Filter
from vdproxy.hub.isolation import Installed
from vdproxy.hub.verdicts import Direction, Drop, Replace
from vdproxy.makers import NoOptions
from vdproxy.wire.messages import AnnounceCapabilities, Message

SECRET = "hunter2"
WITH_PINGS = LINUX | PINGS.bits

#: Seconds that a filter has.
LIMIT = 5.0


def ping(text: str | int) -> Ping:
    return Ping(str(text).encode())


class Judge(Filter):
    """
    Answers what *judge* does, called with direction, peer and message.

    ``asked`` are the messages it was asked about, by direction.
    """

    def __init__(self, judge: Callable[[Direction, Any, Message], Any]) -> None:
        self._judge = judge
        self.asked: dict[str, list[Message]] = {"in": [], "out": []}
        self.stopped = 0

    def stop(self) -> None:
        self.stopped += 1

    def incoming(self, peer: Any, message: Message) -> Any:
        return self._say("in", peer, message)

    def outgoing(self, peer: Any, message: Message) -> Any:
        return self._say("out", peer, message)

    def _say(self, direction: Direction, peer: Any, message: Message) -> Any:
        self.asked[direction].append(message)
        return self._judge(direction, peer, message)


def on(direction: str, answer: Callable[[Any], Any], *types: type[Message]) -> Judge:
    """Return a filter that says *answer* of the message to these types, one way."""

    def judge(way: Direction, peer: Any, message: Message) -> Any:
        return (
            answer(message) if way == direction and isinstance(message, types) else None
        )

    return Judge(judge)


def dropping(direction: str, *types: type[Message]) -> Judge:
    return on(direction, lambda message: Drop("not here"), *types)


class Stubborn(Deferred[Any]):
    """An answer that comes all the same when it was ``cancelled``."""

    cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class Question:
    """What a filter takes its time over."""

    direction: str
    peer: Any
    message: Message
    answer: Stubborn

    def say(self, verdict: Any = None) -> None:
        """Answer, and see to it that what follows from that goes well."""
        self.answer.callback(verdict)
        assert not isinstance(self.answer.result, Failure), self.answer.result


class Slow(Judge):
    """
    Takes its time over messages of some types, pings if none is named.

    ``questions`` are those it was asked, oldest first.
    """

    def __init__(self, *types: type[Message], only: str = "in out") -> None:
        super().__init__(self._put_off)
        self._types = types or (Ping,)
        self._only = only.split()
        self.questions: list[Question] = []

    def about(self, message: Message, peer: Any = None) -> Question:
        """Return the newest question about a message, to or from *peer*."""
        found = [
            q for q in self.questions if q.message == message and peer in (None, q.peer)
        ]
        return found[-1]

    def _put_off(self, direction: Direction, peer: Any, message: Message) -> Any:
        if direction not in self._only or not isinstance(message, self._types):
            return None
        question = Question(direction, peer, message, Stubborn())
        self.questions.append(question)
        return question.answer


class Picky(Slow):
    """Takes its time over pings of which the data begin with ``slow``."""

    def _put_off(self, direction: Direction, peer: Any, message: Message) -> Any:
        if isinstance(message, Ping) and message.data.startswith(b"slow"):
            return super()._put_off(direction, peer, message)
        return None


SLOW = Ping(b"slow 0")


def answer_all(slow: Slow, verdict: Any = None) -> None:
    """Answer the questions until there are no more."""
    while waiting := [q for q in slow.questions if not q.answer.called]:
        waiting[0].say(verdict)


class Witness(Relay):
    """Relays, and records what was withheld as well."""

    def withheld(self, peer: Any, message: Message, reason: str) -> None:
        self._note("withheld", peer, message, reason)


class Auditing(Filter):
    """Records the decisions it is told, but for those on announcements."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []

    def decided(self, decision: Decision) -> None:
        if not isinstance(decision.message, AnnounceCapabilities):
            self.decisions.append(decision)

    def told(self) -> list[tuple[str, str, Message, str]]:
        """Return direction, peer, message and outcome of each, and forget them."""
        decisions, self.decisions = self.decisions, []
        return [(d.direction, d.peer.label, d.message, d.outcome) for d in decisions]


def raises(message: Message) -> Any:
    raise ValueError(SECRET)


def hangs(message: Message) -> Any:
    return Deferred()


async def raises_later(message: Message) -> Any:
    raise ValueError(SECRET)


async def hangs_on(message: Message) -> Any:
    await Deferred()


def cannot_be_cancelled(message: Message) -> Any:
    def canceller(answer: Deferred[Any]) -> None:
        raise ValueError(SECRET)

    return Deferred(canceller)


def is_cancelled(message: Message) -> Any:
    return fail(CancelledError(SECRET))


class Unsendable(Ping):
    """A ping that cannot be encoded."""

    def encode(self, layout: Any) -> bytes:
        raise ValueError(SECRET)


def ends_the_process(message: Message) -> Any:
    raise SystemExit(SECRET)


def ends_a_generator(message: Message) -> Any:
    raise GeneratorExit(SECRET)


#: The ways to fail on a message.
FAULTS: dict[str, Callable[[Message], Any]] = {
    "raises": raises,
    "hangs": hangs,
    "raises in a coroutine": raises_later,
    "hangs in a coroutine": hangs_on,
    "cannot be cancelled": cannot_be_cancelled,
    "fails at once": lambda message: fail(ValueError(SECRET)),
    "is cancelled": is_cancelled,
    "answers 42": lambda message: 42,
    "answers 42 in time": lambda message: succeed(42),
    "answers its class": lambda message: Drop,
    "answers the message": lambda message: message,
    "replaces by a text": lambda message: Replace(SECRET),  # type: ignore[arg-type]
    "replaces by nothing": lambda message: Replace(None),  # type: ignore[arg-type]
    "drops for 42": lambda message: Drop(42),  # type: ignore[arg-type]
    "leaves for good": lambda message: fail(SystemExit(SECRET)),
    "ends the process": ends_the_process,
    "ends a generator": ends_a_generator,
}


def installed(name: str, plugin: Filter, *, closed: bool = False) -> Installed[Filter]:
    return Installed(name, plugin, NoOptions(), closed=closed)


def failing(
    way: str, fault: str, *types: type[Message], closed: bool = False
) -> Installed[Any]:
    """Return a filter called guard that has a fault, one way and for these types."""
    return installed("guard", on(way, FAULTS[fault], *types), closed=closed)


def chain(
    *filters: Filter | Installed[Filter], **options: Any
) -> tuple[World, ClientEnd]:
    """Return a world that relays pings through filters, and a client; both are up."""
    world = World(Relay(Ping, relayed=PINGS), filters=filters, **options)
    world.guest.come_up(WITH_PINGS)
    return world, world.ready_client(WITH_PINGS)
